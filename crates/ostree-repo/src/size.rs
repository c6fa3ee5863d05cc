//! Sizes in the words of the reference program.

/// A size as GLib's `g_format_size` writes it: decimal units, one digit after the point, a no-break space.
pub fn format_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    match bytes {
        1 => return "1 byte".to_owned(),
        0..1000 => return format!("{bytes} bytes"),
        _ => {}
    }
    let mut factor = 1000u64;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    while bytes / factor >= 1000 {
        factor *= 1000;
        unit = units.next();
    }
    format!("{:.1}\u{a0}{}", bytes as f64 / factor as f64, unit.unwrap_or(&"EB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_decimal() {
        let shown = [0, 1, 999, 1000, 1_843, 999_949, 2_500_000].map(format_size);
        let expect = ["0 bytes", "1 byte", "999 bytes", "1.0\u{a0}kB", "1.8\u{a0}kB", "999.9\u{a0}kB", "2.5\u{a0}MB"];
        assert_eq!(shown, expect);
        assert_eq!(format_size(u64::MAX), "18.4\u{a0}EB");
    }
}
