//! A report in the words of `ostree show`.

use std::fmt;

use crate::openpgp::report::{Outcome, SignatureReport};

/// A report as lines of text, each with its end.
pub struct Described<'r> {
    report: &'r SignatureReport,
    prefix: &'r str,
    date: &'r dyn Fn(u64) -> String,
}

impl SignatureReport {
    /// The report as libostree describes it, and where libostree would only call it bad, a further line that says why. Each
    /// line begins with `prefix`; `date` makes a text of seconds since 1970.
    pub fn describe<'r>(&'r self, prefix: &'r str, date: &'r dyn Fn(u64) -> String) -> Described<'r> {
        Described { report: self, prefix, date }
    }
}

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, prefix, date } = self;
        let id = report.key_id.map_or_else(|| "0000000000000000".to_owned(), |id| id.to_string());
        // Of what a bad signature says about itself nothing is repeated.
        let is_bad = report.outcome == Outcome::Bad;
        let made = date(report.created.filter(|_| !is_bad).unwrap_or_default());
        let algorithm = if is_bad { "[unknown name]" } else { report.key_algorithm.as_str() };
        writeln!(f, "{prefix}Signature made {made} using {algorithm} key ID {id}")?;
        writeln!(f, "{prefix}{}", self.verdict())?;
        if let (Some(key), Some(primary)) = (&report.fingerprint, &report.primary)
            && (key != primary || is_bad)
        {
            writeln!(f, "{prefix}Primary key ID {}", primary.key_id())?;
        }
        self.reason(f)?;
        self.expiries(f)
    }
}

impl Described<'_> {
    fn verdict(&self) -> String {
        let user = self.report.user_ids.first();
        let (name, email) = user.map_or(("[unknown name]", "[unknown email]"), |user| (user.name(), user.email()));
        match self.report.outcome {
            Outcome::KeyMissing => "Can't check signature: public key not found".to_owned(),
            Outcome::Good => format!("Good signature from \"{name} <{email}>\""),
            Outcome::KeyRevoked => "Key revoked".to_owned(),
            Outcome::SignatureExpired => format!("Expired signature from \"{name} <{email}>\""),
            _ => format!("BAD signature from \"{name} <{email}>\""),
        }
    }

    /// What the verdict leaves open.
    fn reason(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.report.outcome {
            outcome @ (Outcome::NotYetValid | Outcome::Weak(_) | Outcome::KeyUnusable(_) | Outcome::Unsupported(_)) => {
                writeln!(f, "{}Not accepted: {outcome}", self.prefix)
            }
            _ => Ok(()),
        }
    }

    fn expiries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { report, prefix, date } = self;
        // What nobody has signed is not repeated.
        if matches!(report.outcome, Outcome::Bad | Outcome::KeyMissing) {
            return Ok(());
        }
        let mut tell = |what: &str, when: Option<u64>, is_over: bool| match when {
            Some(when) => writeln!(f, "{prefix}{what} {} {}", if is_over { "expired" } else { "expires" }, date(when)),
            None => Ok(()),
        };
        let key_is_over = report.outcome == Outcome::KeyExpired;
        tell("Signature", report.expires, report.outcome == Outcome::SignatureExpired)?;
        tell("Key", report.key_expires, key_is_over)?;
        let has_own_primary = report.fingerprint != report.primary;
        tell("Primary key", report.primary_expires.filter(|_| has_own_primary), key_is_over)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openpgp::user_id::UserId;

    fn sample(outcome: Outcome) -> String {
        let mut report = SignatureReport::unreadable(outcome);
        let key: crate::openpgp::Fingerprint = "1C4B4AA482CBD61BDF6EC3E6E8845ED01796C029".parse().unwrap();
        report.key_id = Some(key.key_id());
        report.fingerprint = Some(key);
        report.created = Some(7);
        report.key_algorithm = "RSA".into();
        if report.outcome != Outcome::KeyMissing {
            report.primary = "579B354942B67A82750CCDD23A51E7441B36DA0B".parse().ok();
            report.user_ids = vec![UserId { text: "A <a@b>".into(), is_revoked: false }];
            report.expires = Some(8);
            report.key_expires = Some(9);
            report.primary_expires = Some(10);
        }
        report.describe("  ", &|time| format!("T{time}")).to_string()
    }

    #[test]
    fn words() {
        let start = "  Signature made T7 using RSA key ID E8845ED01796C029\n";
        let missing = sample(Outcome::KeyMissing);
        assert_eq!(missing, format!("{start}  Can't check signature: public key not found\n"));
        let good = "  Good signature from \"A <a@b>\"\n  Primary key ID 3A51E7441B36DA0B\n  Signature expires T8\n  \
            Key expires T9\n  Primary key expires T10\n";
        assert_eq!(sample(Outcome::Good), format!("{start}{good}"));
        let bad = "  Signature made T0 using [unknown name] key ID E8845ED01796C029\n  BAD signature from \"A <a@b>\"\n  \
            Primary key ID 3A51E7441B36DA0B\n";
        assert_eq!(sample(Outcome::Bad), bad);
        assert!(sample(Outcome::KeyRevoked).contains("  Key revoked\n"));
        assert!(sample(Outcome::SignatureExpired).contains("Expired signature from \"A <a@b>\"\n"));
        assert!(sample(Outcome::SignatureExpired).contains("  Signature expired T8\n  Key expires T9\n"));
        assert!(sample(Outcome::KeyExpired).contains("  Key expired T9\n  Primary key expired T10\n"));
        assert!(sample(Outcome::Weak("x".into())).contains("  Not accepted: the signature is too weak: x\n"));
    }
}
