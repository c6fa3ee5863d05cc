//! From when until when a certificate holds (RFC 5280, section 4.1.2.5).

use crate::der::{Der, tag};

/// Whether a certificate, in DER form, holds at a time, in seconds since 1970. What cannot be read holds never.
pub(crate) fn holds(certificate: &[u8], time: i64) -> bool {
    bounds(certificate).is_some_and(|(from, until)| from <= time && time <= until)
}

fn bounds(certificate: &[u8]) -> Option<(i64, i64)> {
    let mut body = Der(certificate).take(tag::SEQUENCE)?.take(tag::SEQUENCE)?;
    // The version may be left out; serial number, algorithm and issuer may not.
    let _version = body.take(tag::CONTEXT_0);
    for _ in 0..3 {
        body.any()?;
    }
    let mut validity = body.take(tag::SEQUENCE)?;
    Some((moment(&mut validity)?, moment(&mut validity)?))
}

/// A time in either of its two forms, always in UTC and to the second.
fn moment(der: &mut Der<'_>) -> Option<i64> {
    let (kind, text, _) = der.any()?;
    let (digits, end) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if end != b"Z" || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |from: usize, count: usize| {
        let digits = digits.get(from..from + count)?;
        Some(digits.iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0')))
    };
    let (year, at) = match (kind, digits.len()) {
        (tag::UTC_TIME, 12) => (number(0, 2)? + if number(0, 2)? < 50 { 2000 } else { 1900 }, 2),
        (tag::GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let (month, day) = (number(at, 2)?, number(at + 2, 2)?);
    let (hour, minute, second) = (number(at + 4, 2)?, number(at + 6, 2)?, number(at + 8, 2)?);
    let sound = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    sound.then(|| ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days since 1970 in the calendar of today. The year begins in March, so that the odd month is its last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pem;

    #[test]
    fn days_of_the_calendar() {
        assert_eq!(days(1970, 1, 1), 0);
        assert_eq!(days(2000, 3, 1), 11_017);
        assert_eq!(days(2023, 11, 14), 19_675);
    }

    #[test]
    fn both_ends_belong_to_it() {
        let text = include_bytes!("../testdata/leaf.crt");
        let leaf = pem::blocks(text).unwrap().remove(0).content;
        // 2023-11-14 22:15:00 until 22:25:00
        assert_eq!(bounds(&leaf), Some((1_700_000_100, 1_700_000_700)));
        assert!(holds(&leaf, 1_700_000_100) && holds(&leaf, 1_700_000_700));
        assert!(!holds(&leaf, 1_700_000_099) && !holds(&leaf, 1_700_000_701) && !holds(b"", 0));
    }

    #[test]
    fn times_in_both_forms() {
        let moment = |kind, text: &str| {
            let encoded = [&[kind, u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat();
            moment(&mut Der(&encoded))
        };
        assert_eq!(moment(tag::UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(moment(tag::GENERALIZED_TIME, "20500101000000Z"), Some(2_524_608_000));
        for bad in ["701301000000Z", "700101000000", "7001010000Z", "700101240000Z", "70010100000xZ"] {
            assert_eq!(moment(tag::UTC_TIME, bad), None, "{bad}");
        }
    }
}
