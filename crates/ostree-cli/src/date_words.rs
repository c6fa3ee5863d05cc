//! The English words in dates.

use jiff::civil::Weekday;

/// What a count counts, and how many of it one is.
#[derive(Clone, Copy)]
pub enum Unit {
    /// Calendar months.
    Month(i64),
    /// Calendar days.
    Day(i64),
    /// Seconds.
    Second(i64),
}

/// The unit that `word` (lower case) names.
pub fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "sec" | "secs" | "second" | "seconds" => Unit::Second(1),
        "min" | "mins" | "minute" | "minutes" => Unit::Second(60),
        "hour" | "hours" => Unit::Second(3600),
        "day" | "days" => Unit::Day(1),
        "week" | "weeks" => Unit::Day(7),
        "fortnight" | "fortnights" => Unit::Day(14),
        "month" | "months" => Unit::Month(1),
        "year" | "years" => Unit::Month(12),
        _ => return None,
    })
}

/// The number of the month that `word` (lower case) names, also in three letters.
pub fn month(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let index = NAMES.iter().position(|name| short_or_whole(name, word))?;
    i64::try_from(index + 1).ok()
}

/// The day of the week that `word` (lower case) names, also in three letters.
pub fn weekday(word: &str) -> Option<Weekday> {
    const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let index = NAMES.iter().position(|name| short_or_whole(name, word))?;
    Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
}

/// Whether `word` (lower case) names Greenwich time.
pub fn utc_name(word: &str) -> bool {
    matches!(word, "utc" | "gmt" | "ut" | "z")
}

fn short_or_whole(name: &str, word: &str) -> bool {
    word == name || (word.len() == 3 && name.starts_with(word)) || (word == "sept" && name == "september")
}
