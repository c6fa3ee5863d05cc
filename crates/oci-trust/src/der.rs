//! As much of DER as keys and certificates need: tags and lengths, each checked against what is there.

/// Tags.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const BITS: u8 = 0x03;
    pub(crate) const OCTETS: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const UTF8: u8 = 0x0c;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
    /// The version of a certificate.
    pub(crate) const CONTEXT_0: u8 = 0xa0;
    /// The extensions of a certificate.
    pub(crate) const CONTEXT_3: u8 = 0xa3;
    /// An address in the names of a certificate.
    pub(crate) const EMAIL: u8 = 0x81;
}

/// What is left of an encoding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a>(pub(crate) &'a [u8]);

impl<'a> Der<'a> {
    /// Whether nothing is left.
    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Takes the next value, whatever it is: its tag, its content, and the whole of it. Lengths must be in their shortest form.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        // Tags of several bytes are in nothing that is read here.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81 => rest.split_first().map(|(a, rest)| (usize::from(*a), rest)).filter(|(length, _)| *length > 0x7f)?,
            0x82 => {
                let (&[a, b], rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes([a, b])), rest)
            }
            0x83 => {
                let (&[a, b, c], rest) = rest.split_first_chunk::<3>()?;
                (usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?, rest)
            }
            _ => return None,
        };
        let shortest = match first {
            0x82 => length > 0xff,
            0x83 => length > 0xffff,
            _ => true,
        };
        let (content, left) = rest.split_at_checked(length).filter(|_| shortest)?;
        let whole = self.0.get(..self.0.len() - left.len())?;
        self.0 = left;
        Some((tag, content, whole))
    }

    /// Takes the next value, which must have that tag; gives its content.
    pub(crate) fn take(&mut self, tag: u8) -> Option<Der<'a>> {
        let mut after = *self;
        let (found, content, _) = after.any()?;
        (found == tag).then(|| {
            *self = after;
            Der(content)
        })
    }

    /// Takes a bit string of whole bytes.
    pub(crate) fn bits(&mut self) -> Option<&'a [u8]> {
        match self.take(tag::BITS)?.0.split_first() {
            Some((0, bytes)) => Some(bytes),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_one_after_the_other() {
        let mut der = Der(&[0x30, 3, 0x06, 1, 5, 0x03, 2, 0, 7]);
        let mut inner = der.take(tag::SEQUENCE).unwrap();
        assert_eq!(inner.take(tag::OID).unwrap().0, [5]);
        assert!(inner.is_empty() && inner.any().is_none());
        assert!(der.take(tag::OID).is_none());
        assert_eq!(der.bits(), Some(&[7][..]));
        assert!(der.is_empty());
    }

    #[test]
    fn lengths_must_be_shortest_and_there() {
        for bad in [&[0x30][..], &[0x30, 1], &[0x30, 0x80], &[0x30, 0x81, 1, 0], &[0x30, 0x82, 0, 1, 0], &[0x1f, 1, 0]]
        {
            assert!(Der(bad).any().is_none(), "{bad:?}");
        }
        let long = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Der(&long).take(tag::OCTETS).unwrap().0.len(), 128);
    }
}
