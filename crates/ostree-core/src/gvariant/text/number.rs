//! Floating point numbers as C's `%.17g` prints them.

/// The text of a number with 17 significant digits, trailing zeros cut, and `.0` where nothing else tells that it is no
/// integer.
pub(super) fn double_text(number: f64) -> String {
    if number.is_nan() {
        return if number.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if number.is_infinite() {
        return if number < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let scientific = format!("{number:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let text = if (-4..17).contains(&exponent) {
        // At most 16 + 4 digits, so the precision is never negative.
        let digits = usize::try_from(16 - exponent).unwrap_or_default();
        cut_zeros(&format!("{number:.digits$}")).to_owned()
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", cut_zeros(mantissa), exponent.unsigned_abs())
    };
    if text.contains(['.', 'e']) { text } else { format!("{text}.0") }
}

fn cut_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::double_text;

    #[test]
    fn as_c_prints_them() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000.0"),
            (1e17, "1e+17"),
            (1e-4, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (1.0e300, "1.0000000000000001e+300"),
            (123_456_789.125, "123456789.125"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (5e-324, "4.9406564584124654e-324"),
        ] {
            assert_eq!(double_text(number), text);
        }
    }
}
