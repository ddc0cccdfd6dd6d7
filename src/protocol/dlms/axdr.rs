//! The bones of A-XDR (IEC 61334-6): lengths, integers, optional parts.

use super::data::DataError;

/// Reads from the front of a slice and remembers where it is. Nothing here allocates on a length field's word.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// What follows, and so many bytes before it.
    pub(crate) fn behind(&self, count: usize) -> &'a [u8] {
        self.bytes.get(self.at.saturating_sub(count)..).unwrap_or_default()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(crate) fn fail<T>(&self, reason: impl Into<String>) -> Result<T, DataError> {
        Err(DataError { offset: self.at, reason: reason.into() })
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], DataError> {
        let end = self.at.checked_add(count);
        let Some((end, taken)) = end.and_then(|end| Some((end, self.bytes.get(self.at..end)?))) else {
            return self.fail(format!("{count} bytes are due, {} are left", self.rest().len()));
        };
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DataError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DataError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DataError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length or count: one byte, or 81h to 88h and that many bytes less 80h.
    pub(crate) fn length(&mut self) -> Result<usize, DataError> {
        let first = self.u8()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let width = usize::from(first & 0x7F);
        if !(1..=8).contains(&width) {
            self.at -= 1;
            return self.fail(format!("{first:02X}h is no length"));
        }
        let value = self.take(width)?.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        usize::try_from(value).or_else(|_| self.fail("a length is beyond all measure"))
    }

    /// An octet string without its tag.
    pub(crate) fn octets(&mut self) -> Result<&'a [u8], DataError> {
        let length = self.length()?;
        self.take(length)
    }

    /// The presence flag of an optional part.
    pub(crate) fn present(&mut self) -> Result<bool, DataError> {
        self.u8().map(|flag| flag != 0)
    }

    /// A sequence of elements with its count in front.
    pub(crate) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, DataError>,
    ) -> Result<Vec<T>, DataError> {
        let count = self.length()?;
        // Every element takes at least one byte, so a count beyond the rest is a lie found early.
        if count > self.rest().len() {
            return self.fail(format!("{count} elements are due, {} bytes are left", self.rest().len()));
        }
        let mut out = Vec::new();
        for _ in 0..count {
            out.push(element(self)?);
        }
        Ok(out)
    }
}

/// Appends a length or count in its shortest form.
pub(crate) fn put_length(out: &mut Vec<u8>, length: usize) {
    if let Ok(short @ 0..=0x7F) = u8::try_from(length) {
        out.push(short);
        return;
    }
    let bytes = length.to_be_bytes();
    let used = bytes.iter().skip_while(|byte| **byte == 0);
    let width = bytes.len() - bytes.iter().take_while(|byte| **byte == 0).count();
    // A usize has at most eight bytes.
    out.push(0x80 | width as u8);
    out.extend(used);
}

/// Appends an octet string without its tag.
pub(crate) fn put_octets(out: &mut Vec<u8>, bytes: &[u8]) {
    put_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Appends elements with their count in front.
pub(crate) fn put_list<T>(out: &mut Vec<u8>, elements: &[T], mut element: impl FnMut(&mut Vec<u8>, &T)) {
    put_length(out, elements.len());
    for one in elements {
        element(out, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_byte_up_to_127_and_name_their_width_beyond() {
        for (length, bytes) in
            [(0, vec![0]), (127, vec![0x7F]), (128, vec![0x81, 0x80]), (65_535, vec![0x82, 0xFF, 0xFF])]
        {
            let mut out = Vec::new();
            put_length(&mut out, length);
            assert_eq!(out, bytes);
            assert_eq!(Reader::new(&bytes).length().unwrap(), length);
        }
    }

    #[test]
    fn a_length_in_a_longer_form_than_needed_is_read() {
        assert_eq!(Reader::new(&[0x84, 0, 0, 0, 5]).length().unwrap(), 5);
        assert!(Reader::new(&[0x80]).length().is_err());
        assert!(Reader::new(&[0x89, 0, 0, 0, 0, 0, 0, 0, 0, 1]).length().is_err());
    }

    #[test]
    fn a_claimed_length_beyond_what_came_says_where_it_stands() {
        let error = Reader::new(&[0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1]).octets().unwrap_err();
        assert_eq!(error.offset, 5);
    }
}
