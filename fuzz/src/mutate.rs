//! Deterministic mutations of inputs.

/// A small generator of numbers that look random; the same seed gives the same numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        // SplitMix64: every state, zero included, gives a good sequence.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % (bound.max(1) as u64)).unwrap_or_default()
    }
}

/// Bytes at which formats tend to break: ends of ranges, separators, digits and type letters.
const ODD_BYTES: &[u8] = b"\0\x01\x7f\x80\xff\n \"'/:=[]{}()<>@,.\\09aAghmnosvxXKLD";
/// Numbers at which formats tend to break.
const ODD_NUMBERS: [u64; 9] = [0, 1, 0x7f, 0xff, 0x100, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX];

/// Changes `input` in one to four places. `other` is a second valid input, of which pieces may be taken.
pub fn mutate(input: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(4) {
        change(&mut bytes, other, random);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(bytes.len());
    let length = 1 + random.below(16).min(random.below(64));
    let end = bytes.len().min(at + length);
    match random.below(9) {
        0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << random.below(8)),
        1 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = ODD_BYTES[random.below(ODD_BYTES.len())]),
        2 => bytes.insert(at, ODD_BYTES[random.below(ODD_BYTES.len())]),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let piece = bytes[at..end].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, piece);
        }
        5 => bytes.truncate(at),
        6 => overwrite(bytes, at, random),
        7 => {
            let from = random.below(other.len());
            let piece = &other[from..other.len().min(from + length * 8)];
            bytes.splice(at..end, piece.iter().copied());
        }
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(1)),
    }
}

fn overwrite(bytes: &mut [u8], at: usize, random: &mut Random) {
    let number = ODD_NUMBERS[random.below(ODD_NUMBERS.len())];
    let width = 1 << random.below(4);
    let encoded = if random.below(2) == 0 { number.to_le_bytes() } else { number.swap_bytes().to_le_bytes() };
    let piece = if number.to_le_bytes() == encoded { &encoded[..width] } else { &encoded[8 - width..] };
    bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = *new);
}
