//! The checksum that tar-split keeps of a file's content: CRC-64 of ISO 3309, reflected, as Go's `crc64.ISO`.

/// The polynomial, reflected.
const POLYNOMIAL: u64 = 0xD800_0000_0000_0000;

/// What each byte does to the sum when 0 to 7 further bytes follow it.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut further = 1;
    while further < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u64 = tables[further - 1][byte];
            tables[further][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        further += 1;
    }
    tables
}

/// A sum in the making.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Crc64(u64);

impl Crc64 {
    pub(crate) fn new() -> Self {
        Self(!0)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut sum = self.0;
        for word in words {
            let mixed = (sum ^ u64::from_le_bytes(*word)).to_le_bytes();
            sum = mixed.iter().zip(TABLES.iter().rev()).fold(0, |sum, (byte, table)| sum ^ table[usize::from(*byte)]);
        }
        for byte in rest {
            sum = TABLES[0][usize::from((sum as u8) ^ byte)] ^ (sum >> 8);
        }
        self.0 = sum;
    }

    /// The sum of all bytes so far.
    pub(crate) fn sum(self) -> u64 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> u64 {
        let mut crc = Crc64::new();
        crc.update(bytes);
        crc.sum()
    }

    #[test]
    fn known_sums() {
        // The catalogue's check value of CRC-64/GO-ISO, and the sums of "x" and "hello" in real tar-split data.
        assert_eq!(sum(b"123456789"), 0xb909_56c7_75a4_1001);
        assert_eq!(sum(b"x"), 0x2310_0000_0000_0000);
        assert_eq!(sum(b"hello"), 0x3c3e_eee2_d810_0000);
        assert_eq!(sum(b""), 0);
    }

    #[test]
    fn pieces_make_the_same_sum() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for cut in [0, 1, 7, 8, 9, 500, 999] {
            let (head, tail) = bytes.split_at(cut);
            let mut crc = Crc64::new();
            crc.update(head);
            crc.update(tail);
            assert_eq!(crc.sum(), sum(&bytes), "{cut}");
        }
    }
}
