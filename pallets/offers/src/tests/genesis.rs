use crate::{Certifiers, mock::*};

#[test]
fn accredits_its_certifiers() {
    run(|| {
        assert!(Certifiers::<Test>::contains_key(account(CERTIFIER)));
        assert!(Certifiers::<Test>::contains_key(account(CERTIFIER_2)));
        assert_eq!(Certifiers::<Test>::count(), 2);
    });
}
