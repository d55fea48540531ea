//! Certificate chains in PEM (RFC 7468), as quotes carry them and as Intel's service sends them with collateral.

use alloc::vec::Vec;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";
const LABEL: &str = "CERTIFICATE";

/// Decodes a chain: certificates one after the other, nothing between them but a line's end, and at most a zero byte after them, as platforms write it.
///
/// `None` if it is anything else, or if there are more than `most`. What is in the certificates is not looked at.
pub fn certificates(pem: &[u8], most: usize) -> Option<Vec<Vec<u8>>> {
    let mut rest = pem.strip_suffix(&[0]).unwrap_or(pem);
    let mut chain = Vec::new();
    while !rest.is_empty() {
        let end = rest.windows(END.len()).position(|window| window == END)?.checked_add(END.len())?;
        let (certificate, tail) = rest.split_at_checked(end)?;
        if chain.len() >= most || !certificate.starts_with(BEGIN) {
            return None;
        }
        match pem_rfc7468::decode_vec(certificate) {
            Ok((LABEL, der)) => chain.push(der),
            _ => return None,
        }
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.strip_prefix(b"\n")).unwrap_or(tail);
    }
    Some(chain)
}
