//! Leaves: runs of entries in key order, as the bytes that an object store keeps them in.
//!
//! A leaf is the byte [`FORMAT`], the number of its entries as a `u32`, little endian, then the entries, at least one: the
//! lengths of the key and of the value, as LEB128, the key, the value. Keys ascend strictly.

/// What the bytes of a leaf begin with.
const FORMAT: u8 = 1;
/// Most bytes of a leaf of several entries.
#[cfg(target_arch = "wasm32")]
pub(crate) const LIMIT: usize = 4096;
/// How many bytes a leaf has beside its entries.
pub(crate) const HEADER: usize = 5;

/// A key and its value.
pub(crate) type Entry<'a> = (&'a [u8], &'a [u8]);

/// The bytes are no leaf, or leaves are not in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Damaged;

/// How many bytes an entry takes in a leaf.
pub(crate) fn size_of((key, value): Entry<'_>) -> usize {
    length_of(key.len()) + length_of(value.len()) + key.len() + value.len()
}

/// How many bytes a length takes.
fn length_of(length: usize) -> usize {
    (length.max(1).ilog2() / 7 + 1) as usize
}

/// A leaf of these entries, whose keys ascend.
pub(crate) fn encode(entries: &[Entry<'_>]) -> Vec<u8> {
    let size = entries.iter().map(|entry| size_of(*entry)).sum::<usize>();
    let mut leaf = Vec::with_capacity(HEADER + size);
    leaf.push(FORMAT);
    leaf.extend_from_slice(&(entries.len() as u32).to_le_bytes());
    for (key, value) in entries {
        push_length(&mut leaf, key.len());
        push_length(&mut leaf, value.len());
        leaf.extend_from_slice(key);
        leaf.extend_from_slice(value);
    }
    leaf
}

fn push_length(leaf: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        leaf.push(length as u8 | 0x80);
        length >>= 7;
    }
    leaf.push(length as u8);
}

/// The entries of a leaf, of which there is at least one.
pub(crate) fn entries(leaf: &[u8]) -> Result<Vec<Entry<'_>>, Damaged> {
    let Some(([FORMAT, count @ ..], mut rest)) = leaf.split_first_chunk::<HEADER>() else {
        return Err(Damaged);
    };
    let mut entries: Vec<Entry<'_>> = Vec::new();
    while !rest.is_empty() {
        let key = take_length(&mut rest)?;
        let value = take_length(&mut rest)?;
        let key = take(&mut rest, key)?;
        let value = take(&mut rest, value)?;
        if entries.last().is_some_and(|(last, _)| *last >= key) {
            return Err(Damaged);
        }
        entries.push((key, value));
    }
    let count = u32::from_le_bytes(*count) as usize;
    match count > 0 && entries.len() == count {
        true => Ok(entries),
        false => Err(Damaged),
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damaged> {
    let (bytes, behind) = rest.split_at_checked(length).ok_or(Damaged)?;
    *rest = behind;
    Ok(bytes)
}

fn take_length(rest: &mut &[u8]) -> Result<usize, Damaged> {
    let mut length = 0u64;
    for shift in (0..35).step_by(7) {
        let (&byte, behind) = rest.split_first().ok_or(Damaged)?;
        *rest = behind;
        length |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return usize::try_from(length).map_err(|_| Damaged);
        }
    }
    Err(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_gives_what_it_was_made_of() {
        let long = vec![200; 20_000];
        let made: [Entry<'_>; 4] = [
            (b"a", b""),
            (b"b", &long),
            (&long, b"v"),
            (&[201; 128], b""),
        ];
        let leaf = encode(&made);
        assert_eq!(entries(&leaf).unwrap(), made);
        let sizes = made.iter().map(|entry| size_of(*entry)).sum::<usize>();
        assert_eq!(leaf.len(), HEADER + sizes);
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic() {
        let leaf = encode(&[(b"a", b"first"), (b"b", &[1; 200]), (b"c", b"")]);
        for length in 0..leaf.len() {
            let part = entries(&leaf[..length]);
            assert_eq!(part, Err(Damaged), "the first {length} bytes");
        }
        for place in 0..leaf.len() {
            for byte in 0..=u8::MAX {
                let mut other = leaf.clone();
                other[place] = byte;
                let found = entries(&other);
                assert!(place > 0 || byte == FORMAT || found == Err(Damaged));
            }
        }
        assert_eq!(entries(&encode(&[])), Err(Damaged));
        assert_eq!(entries(&encode(&[(b"b", b""), (b"a", b"")])), Err(Damaged));
        assert_eq!(entries(&encode(&[(b"a", b""), (b"a", b"")])), Err(Damaged));
        let endless = [FORMAT, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(entries(&endless), Err(Damaged));
    }
}
