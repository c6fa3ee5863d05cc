//! Paths that a pattern matches, or nearly.

/// Numbers that look random and are the same every time.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }
}

/// A path that `pattern` matches, unless it uses what this does not know.
pub fn matching(pattern: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut at = 0;
    alternatives(pattern, &mut at, dice)
}

/// One of the alternatives up to the end of the group.
fn alternatives(pattern: &[u8], at: &mut usize, dice: &mut Dice) -> Vec<u8> {
    let mut all = vec![Vec::new()];
    while *at < pattern.len() && pattern[*at] != b')' {
        if pattern[*at] == b'|' {
            *at += 1;
            all.push(Vec::new());
            continue;
        }
        let start = *at;
        let first = atom(pattern, at, dice);
        let end = *at;
        let times = repetitions(pattern, at, dice);
        let last = all.last_mut().unwrap();
        for turn in 0..times {
            let more = if turn == 0 { first.clone() } else { atom(&pattern[..end], &mut { start }, dice) };
            last.extend(more);
        }
    }
    let chosen = dice.below(all.len());
    all.swap_remove(chosen)
}

fn atom(pattern: &[u8], at: &mut usize, dice: &mut Dice) -> Vec<u8> {
    let byte = pattern[*at];
    *at += 1;
    match byte {
        b'(' => {
            if pattern[*at..].starts_with(b"?:") {
                *at += 2;
            }
            let chosen = alternatives(pattern, at, dice);
            *at += 1;
            chosen
        }
        b'[' => vec![class(pattern, at, dice)],
        b'.' => vec![b"ax/1.-"[dice.below(6)]],
        b'^' | b'$' => Vec::new(),
        b'\\' if *at < pattern.len() => {
            *at += 1;
            match pattern[*at - 1] {
                b'd' => vec![b'7'],
                b'w' => vec![b'w'],
                b's' => vec![b' '],
                other => vec![other],
            }
        }
        other => vec![other],
    }
}

fn class(pattern: &[u8], at: &mut usize, dice: &mut Dice) -> u8 {
    let negated = pattern.get(*at) == Some(&b'^');
    *at += usize::from(negated);
    let start = *at;
    while *at < pattern.len() && (pattern[*at] != b']' || *at == start) {
        *at += 1;
    }
    let inner = &pattern[start..*at];
    *at += 1;
    if negated {
        return *b"qz08.-+".iter().find(|byte| !inner.contains(byte)).unwrap_or(&b'~');
    }
    inner[dice.below(inner.len())]
}

fn repetitions(pattern: &[u8], at: &mut usize, dice: &mut Dice) -> usize {
    match pattern.get(*at) {
        Some(b'?') => {
            *at += 1;
            dice.below(2)
        }
        Some(b'*') => {
            *at += 1;
            dice.below(4)
        }
        Some(b'+') => {
            *at += 1;
            1 + dice.below(3)
        }
        Some(b'{') if pattern.get(*at + 1).is_some_and(u8::is_ascii_digit) => {
            let digit = usize::from(pattern[*at + 1] - b'0');
            while *at < pattern.len() && pattern[*at] != b'}' {
                *at += 1;
            }
            *at += 1;
            digit
        }
        _ => 1,
    }
}
