//! Quotes that cannot be read, and chains in them.

use super::*;

refusals! {
    COVERED:
    quote_empty: Error::QuoteLength => quote(Vec::clear);
    quote_ends_in_header: Error::QuoteLength => quote(|quote| quote.truncate(47));
    quote_ends_in_body: Error::QuoteLength => quote(|quote| quote.truncate(300));
    quote_ends_in_signature: Error::QuoteLength => quote(|quote| quote.truncate(quote.len() - 1));
    quote_too_long: Error::QuoteLength => quote(|quote| quote.resize(MAX_QUOTE_LEN + 1, 0));
    quote_of_version_3: Error::QuoteVersion => quote(|quote| quote[0] = 3);
    quote_of_version_6: Error::QuoteVersion => quote(|quote| quote[0] = 6);
    other_kind_of_key: Error::KeyType => quote(|quote| quote[2] = 3);
    quote_of_an_enclave: Error::TeeType => quote(|quote| quote[4] = 0);
    other_vendor_of_enclave: Error::QeVendor => quote(|quote| quote[12] ^= 1);
    body_of_an_enclave: Error::BodyType => quote(|quote| quote[48] = 1);
    body_of_unknown_type: Error::BodyType => quote(|quote| quote[48] = 5);
    body_of_another_length: Error::BodyLength => quote(|quote| quote[50] ^= 1);
    certification_data_too_short: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 130] -= 1);
    certification_data_too_long: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 130] += 1);
    chain_shorter_than_its_place: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 134 + 484] -= 1);
    chain_longer_than_its_place: Error::SignatureDataLength => quote(|quote| quote[54 + 648 + 4 + 134 + 484] += 1);
    signature_data_empty: Error::SignatureDataLength => quote(|quote| quote[54 + 648..].fill(0));
    something_after_the_quote: Error::QuotePadding => quote(|quote| quote.push(1));
    something_after_zeros: Error::QuotePadding => quote(|quote| quote.extend([0, 0, 1]));
    certified_by_a_chain_directly: Error::CertificationType => quote(|quote| quote[54 + 648 + 4 + 128] = 5);
    authentication_data_empty: Error::QeAuthLength => with(|maker| maker.draft.qe_auth.clear());
    authentication_data_too_long: Error::QeAuthLength => with(|maker| maker.draft.qe_auth.push(0));
    chain_by_reference: Error::ChainType => quote(|quote| quote[54 + 648 + 4 + 134 + 482] = 3);
    chain_too_long: Error::ChainLength => chain(|_| vec![b'-'; MAX_CHAIN_LEN + 1]);
    chain_empty: Error::ChainEncoding => chain(|_| Vec::new());
    chain_without_root: Error::ChainEncoding => chain(|maker| pem(&maker.chain()[..2]).into_bytes());
    chain_with_one_more: Error::ChainEncoding => chain(|maker| pem(&[&maker.chain()[..], &[maker.root_der()]].concat()).into_bytes());
    chain_of_something_else: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replace("CERTIFICATE", "CERTIFICATES").into_bytes());
    chain_with_text_between: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replace("E-----\n-", "E-----\nIntel\n-").into_bytes());
    chain_with_text_before: Error::ChainEncoding => chain(|maker| [b"Intel\n", pem(&maker.chain()).as_bytes()].concat());
    chain_with_text_after: Error::ChainEncoding => chain(|maker| [pem(&maker.chain()).as_bytes(), b"Intel"].concat());
    chain_with_two_zeros_after: Error::ChainEncoding => chain(|maker| [pem(&maker.chain()).as_bytes(), &[0, 0]].concat());
    chain_not_in_base64: Error::ChainEncoding => chain(|maker| pem(&maker.chain()).replacen('M', "!", 1).into_bytes());
    chain_with_another_root: Error::RootMismatch => {
        let maker = Maker::new();
        let other = Maker::with(|maker| maker.root.serial = x509_cert::serial_number::SerialNumber::new(&[9]).expect("short"));
        let [chip, issuer, _] = maker.chain();
        let mut made = maker.make();
        made.quote = maker.quote(pem(&[chip, issuer, other.root_der()]).as_bytes());
        made.judge()
    };
}
