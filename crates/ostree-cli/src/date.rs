//! Dates as people write them for `--timestamp` and `--keep-younger-than`: the everyday part of GNU `date -d`'s grammar.
//!
//! Understood are `@SECONDS`, ISO 8601 and RFC 2822 dates, `YYYYMMDD`, `M/D/Y`, times with or without a zone, weekdays,
//! `now`, `today`, `yesterday`, `tomorrow`, and counts of units with `ago`, a sign, `next` or `last`.

use anyhow::{Context, Result, anyhow, bail};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::date_words::{Unit, month, unit, utc_name, weekday};

/// The time that new commits get: that of `SOURCE_DATE_EPOCH`, else now; in seconds since 1970.
pub fn now() -> Result<u64> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => text.parse().with_context(|| format!("Failed to convert SOURCE_DATE_EPOCH '{text}'")),
        Err(_) => Ok(Timestamp::now().as_second().cast_unsigned()),
    }
}

/// The seconds since 1970-01-01 00:00:00 UTC that `text` means. Without a zone in it, the zone of `TZ` counts.
pub fn parse(text: &str) -> Result<i64> {
    let zone = TimeZone::system();
    parse_at(text, Timestamp::now(), &zone).map_err(|_| anyhow!("Could not parse '{text}'"))
}

fn parse_at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<i64> {
    let mut reader = Reader { rest: text.trim_start(), found: Found::default() };
    if let Some(seconds) = reader.rest.strip_prefix('@') {
        let whole = seconds.trim().split('.').next().unwrap_or_default();
        return Ok(whole.parse()?);
    }
    while !reader.rest.is_empty() {
        reader.item(now.to_zoned(zone.clone()).date().year())?;
        reader.rest = reader.rest.trim_start_matches([' ', '\t', '\n', ',']);
    }
    reader.found.resolve(now, zone, text.trim().is_empty())
}

/// What has been found in the text so far.
#[derive(Default)]
struct Found {
    date: Option<Date>,
    has_year: bool,
    time: Option<Time>,
    offset: Option<Offset>,
    weekday: Option<Weekday>,
    months: i64,
    days: i64,
    seconds: i64,
}

impl Found {
    fn resolve(self, now: Timestamp, zone: &TimeZone, empty: bool) -> Result<i64> {
        let zone = self.offset.map_or_else(|| zone.clone(), TimeZone::fixed);
        let here = now.to_zoned(zone.clone()).datetime();
        let at_midnight = empty || self.date.is_some() || self.weekday.is_some();
        let default_time = if at_midnight { Time::midnight() } else { here.time() };
        let mut date = self.date.unwrap_or_else(|| here.date());
        if let (None, Some(weekday)) = (self.date, self.weekday) {
            let ahead = i64::from(weekday.to_monday_zero_offset() - date.weekday().to_monday_zero_offset());
            date = date.checked_add(ahead.rem_euclid(7).days())?;
        }
        // A month that is too short for the day runs over into the next, as in mktime.
        let day = i64::from(date.day()) - 1;
        date = date.first_of_month().checked_add(self.months.months())?.checked_add((day + self.days).days())?;
        let local = DateTime::from_parts(date, self.time.unwrap_or(default_time));
        let at = zone.to_ambiguous_timestamp(local).compatible()?;
        Ok(at.checked_add(SignedDuration::from_secs(self.seconds))?.as_second())
    }

    fn add(&mut self, count: i64, unit: Unit) -> Result<()> {
        let (target, size) = match unit {
            Unit::Month(size) => (&mut self.months, size),
            Unit::Day(size) => (&mut self.days, size),
            Unit::Second(size) => (&mut self.seconds, size),
        };
        let sum = count.checked_mul(size).and_then(|added| target.checked_add(added));
        *target = sum.context("a count that is too large")?;
        Ok(())
    }

    fn set_date(&mut self, year: i64, month: i64, day: i64) -> Result<()> {
        if self.date.is_some() {
            bail!("two dates");
        }
        self.date = Some(Date::new(year.try_into()?, month.try_into()?, day.try_into()?)?);
        Ok(())
    }

    fn set_time(&mut self, hour: i64, minute: i64, second: i64) -> Result<()> {
        if self.time.is_some() {
            bail!("two times");
        }
        // A leap second counts as the first of the next minute.
        self.seconds += i64::from(second == 60);
        self.time = Some(Time::new(hour.try_into()?, minute.try_into()?, second.min(59).try_into()?, 0)?);
        Ok(())
    }
}

struct Reader<'a> {
    rest: &'a str,
    found: Found,
}

impl<'a> Reader<'a> {
    fn item(&mut self, this_year: i16) -> Result<()> {
        let first = self.rest.chars().next().unwrap_or(' ');
        if first.is_ascii_digit() {
            return self.number_item();
        }
        if first == '+' || first == '-' {
            let sign = if first == '-' { -1 } else { 1 };
            self.rest = self.rest.get(1..).unwrap_or_default().trim_start();
            return if self.found.time.is_some() && self.found.offset.is_none() {
                self.offset(sign)
            } else {
                let count = self.number().context("a sign without a number")?.0;
                self.relative(sign * count)
            };
        }
        match self.word() {
            Some(word) => self.word_item(&word, this_year),
            None => bail!("an unknown character"),
        }
    }

    /// The number the rest starts with, and how many digits it has.
    fn number(&mut self) -> Option<(i64, usize)> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let number = number.parse().ok()?;
        self.rest = rest;
        Some((number, digits))
    }

    fn word(&mut self) -> Option<String> {
        let trimmed = self.rest.trim_start();
        let letters = trimmed.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = trimmed.split_at_checked(letters).filter(|(word, _)| !word.is_empty())?;
        self.rest = rest.strip_prefix('.').unwrap_or(rest);
        Some(word.to_ascii_lowercase())
    }

    fn take(&mut self, mark: char) -> bool {
        let after = self.rest.strip_prefix(mark);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn number_item(&mut self) -> Result<()> {
        let (number, digits) = self.number().context("a number that is too large")?;
        if self.take(':') {
            return self.time_after(number);
        }
        if self.take('/') {
            let (day, _) = self.number().context("a date without a day")?;
            let year = if self.take('/') { self.number() } else { None };
            self.found.has_year = year.is_some();
            let this_year = i64::from(Timestamp::now().to_zoned(TimeZone::system()).year());
            return self.found.set_date(year.map_or(this_year, |(year, _)| year), number, day);
        }
        if self.rest.starts_with('-') && self.found.date.is_none() {
            return self.date_after(number);
        }
        let before_word = self.rest;
        match self.word() {
            Some(word) if month(&word).is_some() && self.found.date.is_none() => {
                let year = self.later_year();
                self.day_of_month(number, &word, year)
            }
            Some(word) if word == "am" || word == "pm" => {
                let hour = number % 12 + if word == "pm" { 12 } else { 0 };
                self.found.set_time(hour, 0, 0)
            }
            Some(word) if unit(&word).is_some() => {
                self.rest = before_word;
                self.relative(number)
            }
            _ => {
                self.rest = before_word;
                self.bare_number(number, digits)
            }
        }
    }

    /// A number that nothing after it explains: a year, a whole date, or a time.
    fn bare_number(&mut self, number: i64, digits: usize) -> Result<()> {
        match (self.found.date, digits) {
            (Some(date), 4) if !self.found.has_year && self.found.time.is_some() => {
                self.found.has_year = true;
                self.found.date = Some(Date::new(number.try_into()?, date.month(), date.day())?);
                Ok(())
            }
            (None, 8) => {
                self.found.has_year = true;
                self.found.set_date(number / 10_000, number / 100 % 100, number % 100)
            }
            (_, 1 | 2) => self.found.set_time(number, 0, 0),
            (_, 3 | 4) => self.found.set_time(number / 100, number % 100, 0),
            _ => bail!("a number without a meaning"),
        }
    }

    fn time_after(&mut self, hour: i64) -> Result<()> {
        let (minute, _) = self.number().context("a time without minutes")?;
        let second = if self.take(':') { self.number().context("a time without seconds")?.0 } else { 0 };
        if self.rest.starts_with(['.', ',']) && self.rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) {
            self.rest = self.rest.get(1..).unwrap_or_default().trim_start_matches(|c: char| c.is_ascii_digit());
        }
        let before_word = self.rest;
        let hour = match self.word().as_deref() {
            Some("am") if (1..=12).contains(&hour) => hour % 12,
            Some("pm") if (1..=12).contains(&hour) => hour % 12 + 12,
            _ => {
                self.rest = before_word;
                hour
            }
        };
        self.found.set_time(hour, minute, second)
    }

    /// `Y-M-D`, or `D-Mon-Y`.
    fn date_after(&mut self, first: i64) -> Result<()> {
        self.take('-');
        self.found.has_year = true;
        if let Some((month, _)) = self.number() {
            if !self.take('-') {
                bail!("a date without a day");
            }
            let (day, _) = self.number().context("a date without a day")?;
            self.found.set_date(first, month, day)?;
            // What joins date and time in ISO 8601.
            if let Some(rest) = self.rest.strip_prefix(['T', 't']) {
                self.rest = rest;
            }
            return Ok(());
        }
        let word = self.word().context("a date without a month")?;
        let year = if self.take('-') { self.number().map(|(year, _)| year) } else { None };
        self.day_of_month(first, &word, year)
    }

    /// A year that follows a day and a month: four digits with no colon after them.
    fn later_year(&mut self) -> Option<i64> {
        let trimmed = self.rest.trim_start_matches([' ', ',']);
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let (year, rest) =
            trimmed.split_at_checked(digits).filter(|(_, rest)| digits == 4 && !rest.starts_with(':'))?;
        self.rest = rest;
        year.parse().ok()
    }

    fn day_of_month(&mut self, day: i64, month_name: &str, year: Option<i64>) -> Result<()> {
        let month = month(month_name).context("an unknown month")?;
        self.found.has_year = year.is_some();
        let this_year = i64::from(Timestamp::now().to_zoned(TimeZone::system()).year());
        self.found.set_date(year.unwrap_or(this_year), month, day)
    }

    /// `HH`, `HHMM` or `HH:MM` east or west of Greenwich.
    fn offset(&mut self, sign: i64) -> Result<()> {
        let (number, digits) = self.number().context("a sign without a number")?;
        let minutes = if self.take(':') {
            number * 60 + self.number().context("an offset without minutes")?.0
        } else if digits <= 2 {
            number * 60
        } else {
            number / 100 * 60 + number % 100
        };
        self.found.offset = Some(Offset::from_seconds((sign * minutes * 60).try_into()?)?);
        Ok(())
    }

    fn relative(&mut self, count: i64) -> Result<()> {
        let unit = self.word().as_deref().and_then(unit).context("a count without a unit")?;
        let before_word = self.rest;
        let is_ago = self.word().as_deref() == Some("ago");
        if !is_ago {
            self.rest = before_word;
        }
        self.found.add(if is_ago { -count } else { count }, unit)
    }

    fn word_item(&mut self, word: &str, _this_year: i16) -> Result<()> {
        match word {
            "now" | "today" => return Ok(()),
            "yesterday" => return self.found.add(-1, Unit::Day(1)),
            "tomorrow" => return self.found.add(1, Unit::Day(1)),
            "next" | "last" | "this" => {
                let count = i64::from(word == "next") - i64::from(word == "last");
                return self.relative(count);
            }
            _ => {}
        }
        if utc_name(word) && self.found.offset.is_none() {
            self.found.offset = Some(Offset::UTC);
        } else if month(word).is_some() {
            self.rest = self.rest.trim_start();
            let (day, _) = self.number().context("a month without a day")?;
            let year = self.later_year();
            return self.day_of_month(day, word, year);
        } else if let Some(found) = weekday(word) {
            self.found.weekday = Some(found);
        } else if let Some(found) = unit(word) {
            let before_word = self.rest;
            let is_ago = self.word().as_deref() == Some("ago");
            if !is_ago {
                self.rest = before_word;
            }
            return self.found.add(if is_ago { -1 } else { 1 }, found);
        } else {
            bail!("an unknown word");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_167_860; // 2026-11-20 09:44:20 UTC, a Friday

    fn at(text: &str, zone: &str) -> Option<String> {
        let zone = if zone.is_empty() { TimeZone::UTC } else { TimeZone::posix(zone).unwrap() };
        let seconds = parse_at(text, Timestamp::from_second(NOW).unwrap(), &zone).ok()?;
        Some(Timestamp::from_second(seconds).unwrap().strftime("%F %T").to_string())
    }

    /// What `ostree commit --timestamp` made of these.
    #[test]
    fn as_the_real_program_reads_them() {
        let noon = Some("2023-11-14 22:13:20");
        let midnight = Some("2023-11-14 00:00:00");
        for (text, expect) in [
            ("@1700000000", noon),
            ("@1700000000.5", noon),
            ("@-5", Some("1969-12-31 23:59:55")),
            ("2023-11-14", midnight),
            ("2023-11-14 22:13:20", noon),
            ("2023-11-14T22:13:20Z", noon),
            ("2023-11-14t22:13:20z", noon),
            ("2023-11-14T22:13:20.5Z", noon),
            ("2023-11-14T22:13:20+02:00", Some("2023-11-14 20:13:20")),
            ("2023-11-14 22:13:20 +02", Some("2023-11-14 20:13:20")),
            ("2023-11-14 22:13:20+0530", Some("2023-11-14 16:43:20")),
            ("2023-11-14 22:13:20 UTC", noon),
            ("2023-11-14 22:13", Some("2023-11-14 22:13:00")),
            ("Tue, 14 Nov 2023 22:13:20 +0000", noon),
            ("14 Nov 2023 22:13:20 GMT", noon),
            ("14 Nov 2023", midnight),
            ("Nov 14 2023", midnight),
            ("14-Nov-2023", midnight),
            ("Tue Nov 14 22:13:20 UTC 2023", noon),
            ("Mon, 2023-11-14", midnight),
            ("20231114", midnight),
            ("20231114 2213", Some("2023-11-14 22:13:00")),
            ("11/14/2023", midnight),
            ("2023-11-14 1 day", Some("2023-11-15 00:00:00")),
            ("now", Some("2026-11-20 09:44:20")),
            ("yesterday", Some("2026-11-19 09:44:20")),
            ("2 days ago", Some("2026-11-18 09:44:20")),
            ("-2 days", Some("2026-11-18 09:44:20")),
            ("+2 days", Some("2026-11-22 09:44:20")),
            ("2 months ago", Some("2026-09-20 09:44:20")),
            ("1 year ago", Some("2025-11-20 09:44:20")),
            ("1 fortnight ago", Some("2026-11-06 09:44:20")),
            ("30 min ago", Some("2026-11-20 09:14:20")),
            ("hour ago", Some("2026-11-20 08:44:20")),
            ("next day", Some("2026-11-21 09:44:20")),
            ("last week", Some("2026-11-13 09:44:20")),
            ("2 days ago 12:00", Some("2026-11-18 12:00:00")),
            ("monday", Some("2026-11-23 00:00:00")),
            ("3:30 pm", Some("2026-11-20 15:30:00")),
            ("12pm", Some("2026-11-20 12:00:00")),
            ("2023", Some("2026-11-20 20:23:00")),
            ("", Some("2026-11-20 00:00:00")),
            ("2023-01-31 1 month", Some("2023-03-03 00:00:00")),
            ("foo", None),
            ("2023-02-30", None),
            ("25:00", None),
            ("1700000000", None),
            ("5", Some("2026-11-20 05:00:00")),
            ("9999999999999999999 days", None),
            ("é", None),
        ] {
            assert_eq!(at(text, "").as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn the_local_zone_counts_where_the_text_has_none() {
        let zone = "EST5EDT,M3.2.0,M11.1.0";
        assert_eq!(at("2023-07-14 12:00", zone).as_deref(), Some("2023-07-14 16:00:00"));
        assert_eq!(at("2023-11-14", zone).as_deref(), Some("2023-11-14 05:00:00"));
        assert_eq!(at("2023-11-14T22:13:20Z", zone).as_deref(), Some("2023-11-14 22:13:20"));
        assert_eq!(at("2 days ago 12:00", zone).as_deref(), Some("2026-11-18 17:00:00"));
    }
}
