//! Notes are those of c2sp.org, and none is believed that was changed.

use super::*;
use crate::formats::key::tests::{ed25519, p256};

const ORIGIN: &str = "audit.example.com/00/job/5";
const WITNESS: &str = "witness.example.com/w1";
const TIME: u64 = 1_679_315_147;

fn entry(index: u64) -> Vec<u8> {
    format!("entry {index}").into_bytes()
}

fn tree() -> Tree {
    (0..13).map(|index| leaf_hash(&entry(index))).collect()
}

fn head() -> TreeHead {
    TreeHead { origin: ORIGIN.into(), size: 13, root: tree().root() }
}

fn witness() -> ed25519_dalek::SigningKey {
    ed25519_dalek::SigningKey::from_bytes(&[8; 32])
}

fn log_key() -> NoteKey {
    NoteKey::new(ORIGIN, Role::Log, &ed25519().public()).unwrap()
}

fn witness_key() -> NoteKey {
    NoteKey::new(WITNESS, Role::Witness, &witness().public()).unwrap()
}

fn note() -> String {
    sign(&head(), &ed25519()).unwrap()
}

/// A note of this text, signed by the log's key whatever the text says.
fn signed(text: &str) -> String {
    format!("{text}\n{}", signature_line(&log_key(), &Signer::sign(&ed25519(), text.as_bytes())))
}

fn opened(note: &str) -> Result<Opened, NoteError> {
    open(note, &log_key(), &[], 0)
}

mod keys {
    use super::*;

    #[test]
    fn known_keys_are_read_and_written() {
        // Go's checksum database, and the example of its note package.
        for text in [
            "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        ] {
            let key = NoteKey::from_vkey(text).unwrap();
            assert_eq!((key.to_vkey().as_str(), key.role()), (text, Role::Log));
        }
        let key = witness_key();
        assert_eq!(NoteKey::from_vkey(&key.to_vkey()), Ok(key.clone()));
        assert_eq!((key.name(), key.role()), (WITNESS, Role::Witness));
    }

    #[test]
    fn a_known_note_is_believed() {
        let key = NoteKey::from_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let (text, lines) = split(note).unwrap();
        assert!(lines[0].is_of(&key));
        assert_eq!(key.verify(text.as_bytes(), &lines[0].signature), Ok(()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let good = log_key().to_vkey();
        for wrong in [
            String::new(),
            "a+b".into(),
            good.replacen("+", "+0", 1),
            good.replacen("audit", "other", 1),
            good.replace("+Ae", "+Ag"),
            good[..good.len() - 4].into(),
            "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".into(),
        ] {
            assert!(NoteKey::from_vkey(&wrong).is_err(), "{wrong}");
        }
        assert_eq!(NoteKey::new("a b", Role::Log, &ed25519().public()), Err(NoteError::Name));
        assert_eq!(NoteKey::new("a+b", Role::Log, &ed25519().public()), Err(NoteError::Name));
        assert_eq!(NoteKey::new("a\u{2003}b", Role::Log, &ed25519().public()), Err(NoteError::Name));
        assert_eq!(NoteKey::new("", Role::Log, &ed25519().public()), Err(NoteError::Name));
        assert_eq!(NoteKey::new("a", Role::Log, &p256().public()), Err(NoteError::OtherAlgorithm));
        assert_eq!(sign(&head(), &p256()), Err(NoteError::OtherAlgorithm));
    }
}

mod open {
    use super::*;

    #[test]
    fn gives_what_was_signed() {
        assert_eq!(opened(&note()), Ok(Opened { head: head(), witnesses: vec![] }));
        let empty = TreeHead { size: 0, root: crate::EMPTY_ROOT, ..head() };
        assert_eq!(opened(&sign(&empty, &ed25519()).unwrap()).unwrap().head, empty);
    }

    #[test]
    fn no_changed_bit_and_no_cut_note_is_believed() {
        let bytes = note().into_bytes();
        for (position, bit) in (0..bytes.len()).flat_map(|position| (0..8).map(move |bit| (position, bit))) {
            let mut other = bytes.clone();
            other[position] ^= 1 << bit;
            let believed = String::from_utf8(other).is_ok_and(|text| opened(&text).is_ok());
            assert!(!believed, "bit {bit} of byte {position}");
        }
        for length in (0..bytes.len()).filter(|length| note().is_char_boundary(*length)) {
            assert!(opened(&note()[..length]).is_err(), "{length}");
        }
        assert!(matches!(opened(&(note() + "x")), Err(NoteError::Malformed)));
        assert_eq!(opened(&(note() + "\n")), Err(NoteError::Malformed));
    }

    #[test]
    fn fails_for_text_that_is_no_tree_head() {
        let root = head().root;
        let (hash, long) = (STANDARD.encode(root), STANDARD.encode([0; 33]));
        for (text, error) in [
            (format!("{ORIGIN}\n13\n"), NoteError::Text),
            (format!("\n13\n{hash}\n"), NoteError::Text),
            (format!("{ORIGIN}\n013\n{hash}\n"), NoteError::Number),
            (format!("{ORIGIN}\n+13\n{hash}\n"), NoteError::Number),
            (format!("{ORIGIN}\n-1\n{hash}\n"), NoteError::Number),
            (format!("{ORIGIN}\n13 \n{hash}\n"), NoteError::Number),
            (format!("{ORIGIN}\n18446744073709551616\n{hash}\n"), NoteError::Number),
            (format!("{ORIGIN}\n2147483648\n{hash}\n"), NoteError::TooLarge { size: 1 << 31 }),
            (format!("{ORIGIN}\n0\n{hash}\n"), NoteError::EmptyTree),
            (format!("{ORIGIN}\n13\n{}\n", hash.trim_end_matches('=')), NoteError::HashText),
            (format!("{ORIGIN}\n13\n{long}\n"), NoteError::HashText),
            (format!("{ORIGIN}\n13\n\n{hash}\n"), NoteError::HashText),
            (format!("other.example.com\n13\n{hash}\n"), NoteError::OtherOrigin { found: "other.example.com".into() }),
        ] {
            assert_eq!(opened(&signed(&text)), Err(error), "{text}");
        }
        assert!(opened(&signed(&format!("{ORIGIN}\n13\n{hash}\nextension\n"))).is_ok());
        assert!(sign(&TreeHead { size: 1 << 31, ..head() }, &ed25519()).is_err());
        assert!(sign(&TreeHead { origin: "a\nb".into(), ..head() }, &ed25519()).is_err());
    }

    #[test]
    fn fails_for_control_characters_and_lines_that_are_no_signatures() {
        assert_eq!(opened(&note().replace("\n13\n", "\n13\r\n")), Err(NoteError::ControlCharacter));
        for line in ["x\n", "- name AAAAAAA=\n", "— name\n", "— name !\n", "—  AAAAAAAA\n", "— a+b AAAAAAAA\n", "— name AAAAAA==\n"]
        {
            assert_eq!(opened(&(note() + line)), Err(NoteError::SignatureLine { line: 2 }), "{line}");
        }
        let many = |count: usize| note() + &"— name AAAAAAAA\n".repeat(count);
        assert!(opened(&many(63)).is_ok());
        assert_eq!(opened(&many(64)), Err(NoteError::TooManySignatures));
        assert!(matches!(opened(&many(4000)), Err(NoteError::TooLong { .. })));
    }

    #[test]
    fn fails_without_the_logs_signature_and_with_a_wrong_one() {
        let text = head().text().unwrap();
        let stranger = NoteKey::new(ORIGIN, Role::Log, &witness().public()).unwrap();
        let theirs = signature_line(&stranger, &Signer::sign(&witness(), text.as_bytes()));
        assert_eq!(opened(&format!("{text}\n{theirs}")), Err(NoteError::Unsigned));
        // Of a stranger, a signature is ignored; of the log, one that is wrong refuses the note even beside a good one.
        assert!(opened(&(note() + &theirs)).is_ok());
        let wrong = signature_line(&log_key(), &[1; 64]);
        assert_eq!(opened(&(note() + &wrong)), Err(NoteError::Signature { name: ORIGIN.into() }));
        // A witness's key is no log's, even with the same bytes.
        let cosigned = cosign(&note(), ORIGIN, TIME, &ed25519()).unwrap();
        let only = format!("{text}\n{}\n", cosigned.trim_end().rsplit('\n').next().unwrap());
        assert_eq!(opened(&only), Err(NoteError::Unsigned));
    }
}

mod cosign {
    use super::*;

    fn cosigned() -> String {
        super::cosign(&note(), WITNESS, TIME, &witness()).unwrap()
    }

    #[test]
    fn adds_a_line_that_counts() {
        let opened = super::super::open(&cosigned(), &log_key(), &[witness_key()], 1).unwrap();
        assert_eq!(opened, Opened { head: head(), witnesses: vec![(WITNESS.into(), TIME)] });
        assert!(cosigned().starts_with(&note()));
    }

    #[test]
    fn signs_what_the_specification_says() {
        let text = format!("cosignature/v1\ntime {TIME}\n{}", head().text().unwrap());
        let signature = Signer::sign(&witness(), text.as_bytes());
        let line = signature_line(&witness_key(), &[TIME.to_be_bytes().as_slice(), &signature].concat());
        assert_eq!(cosigned(), note() + &line);
    }

    #[test]
    fn a_witness_counts_once_under_whatever_name() {
        let twice = super::cosign(&cosigned(), WITNESS, TIME + 1, &witness()).unwrap();
        let twice = super::cosign(&twice, "witness.example.com/w2", TIME, &witness()).unwrap();
        let other_name = NoteKey::new("witness.example.com/w2", Role::Witness, &witness().public()).unwrap();
        let keys = [witness_key(), other_name];
        assert_eq!(super::super::open(&twice, &log_key(), &keys, 1).unwrap().witnesses, [(WITNESS.into(), TIME)]);
        assert_eq!(super::super::open(&twice, &log_key(), &keys, 2), Err(NoteError::Witnesses { found: 1, needed: 2 }));
    }

    #[test]
    fn fails_without_enough_witnesses_or_with_a_wrong_signature() {
        assert_eq!(super::super::open(&note(), &log_key(), &[witness_key()], 1), Err(NoteError::Witnesses { found: 0, needed: 1 }));
        let wrong = || Err(NoteError::Signature { name: WITNESS.into() });
        // Another time than the signed one, a signature without its time, one over the note alone.
        let text = head().text().unwrap();
        let signature = Signer::sign(&witness(), cosigned_text(&text).as_bytes());
        for content in [
            [(TIME + 1).to_be_bytes().as_slice(), &signature].concat(),
            signature.to_vec(),
            [TIME.to_be_bytes().as_slice(), &Signer::sign(&witness(), text.as_bytes())].concat(),
            vec![1, 2, 3],
        ] {
            let note = note() + &signature_line(&witness_key(), &content);
            assert_eq!(super::super::open(&note, &log_key(), &[witness_key()], 0), wrong());
        }
        let beyond = note() + &signature_line(&witness_key(), &[u64::MAX.to_be_bytes().as_slice(), &signature].concat());
        assert_eq!(super::super::open(&beyond, &log_key(), &[witness_key()], 0), Err(NoteError::Number));
        assert_eq!(super::cosign(&note(), WITNESS, u64::MAX, &witness()), Err(NoteError::Number));
        assert_eq!(super::cosign(&note(), WITNESS, TIME, &p256()), Err(NoteError::OtherAlgorithm));
    }

    #[test]
    fn keys_of_the_other_role_are_refused() {
        assert_eq!(super::super::open(&note(), &log_key(), &[log_key()], 0), Err(NoteError::VerifierKey));
        let key = NoteKey::new(ORIGIN, Role::Witness, &ed25519().public()).unwrap();
        assert_eq!(opened_by(&key), Err(NoteError::VerifierKey));
    }

    fn opened_by(key: &NoteKey) -> Result<Opened, NoteError> {
        super::super::open(&note(), key, &[], 0)
    }

    fn cosigned_text(text: &str) -> String {
        super::super::cosigned(text, TIME).unwrap()
    }
}

mod proof {
    use super::*;

    fn made(index: u64) -> Proof {
        Proof::of(&tree(), index, note(), Some(entry(index))).unwrap()
    }

    #[test]
    fn every_entry_is_proved_and_the_text_is_read_back() {
        for index in 0..13 {
            let text = made(index).to_text();
            let proof = Proof::read(&text).unwrap();
            assert_eq!(proof, made(index));
            assert_eq!(proof.verify(&entry(index), &log_key(), &[], 0).unwrap().head, head());
        }
        let bare = Proof { extra: None, ..made(3) };
        assert_eq!(Proof::read(&bare.to_text()), Ok(bare));
    }

    #[test]
    fn fails_for_another_entry_position_or_an_empty_slot() {
        let wrong = |entry: &[u8], index: u64| Proof { index, ..made(3) }.verify(entry, &log_key(), &[], 0);
        assert!(wrong(&entry(3), 3).is_ok());
        assert_eq!(wrong(&entry(4), 3), Err(ProofError::RootMismatch.into()));
        assert_eq!(wrong(b"", 3), Err(ProofError::RootMismatch.into()));
        assert_eq!(wrong(&entry(3), 2), Err(ProofError::RootMismatch.into()));
        assert_eq!(wrong(&entry(3), 13), Err(ProofError::IndexOutOfRange.into()));
        assert_eq!(Proof::of(&tree(), 13, note(), None), Err(TreeError::IndexOutOfRange { index: 13, size: 13 }.into()));
    }

    #[test]
    fn fails_for_anything_but_its_lines() {
        let good = made(3).to_text();
        for (wrong, error) in [
            (good.replace("@v1", "@v2"), NoteError::Proof),
            (good.replace("index 3", "index 03"), NoteError::Number),
            (good.replace("index 3", "index"), NoteError::Proof),
            (good.replace("extra ", "extra !"), NoteError::Proof),
            (good.replace("index 3\n", "index 3\nAA==\n"), NoteError::HashText),
            (
                good.replace("index 3\n", &format!("index 3\n{}", "qINS1GRFfWWVSgn0E1wbXD1RwEzBFMfPd1rF3s7V9n0=\n".repeat(65))),
                ProofError::TooLong.into(),
            ),
            ("x".repeat(MAX_BYTES + 1), NoteError::TooLong { bytes: MAX_BYTES + 1 }),
            (String::new(), NoteError::Proof),
        ] {
            assert_eq!(Proof::read(&wrong), Err(error), "{wrong}");
        }
        let missing = Proof { path: made(3).path[1..].to_vec(), ..made(3) };
        assert_eq!(missing.verify(&entry(3), &log_key(), &[], 0), Err(ProofError::TooShort.into()));
    }
}
