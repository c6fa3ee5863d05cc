//! Runs every pairing of one case, the reference's own first, and judges them.

use super::case::{Case, Judge, Pairing};
use super::cleanup;
use super::compare::{Transcript, difference};
use super::needs::{Host, missing_face};
use super::report::{Outcome, Result};
use super::run_case::{Run, fresh_dir};
use super::subject::Subject;
use std::path::Path;

/// What every case is run with.
pub struct Bench<'a> {
    /// The host's abilities.
    pub host: Host,
    /// The real programs.
    pub reference: Subject,
    /// Our binary, if there is one.
    pub ours: Option<Subject>,
    /// Where runs get their directories.
    pub scratch: &'a Path,
    /// Whether those directories stay.
    pub keep: bool,
}

impl Bench<'_> {
    /// All results of one case; `number` makes its directories unique.
    pub fn judge(&self, number: usize, case: &Case) -> Vec<Result> {
        let result = |pairing, outcome| Result { case: case.name.clone(), pairing, outcome };
        if let Some(why) = self.host.obstacle(case) {
            return vec![result(None, Outcome::CannotRun(why))];
        }
        let mut expected = None;
        let mut results = Vec::new();
        for &pairing in &case.pairings {
            if let Some(why) = missing_face(case, pairing, &self.reference, self.ours.as_ref()) {
                results.push(result(Some(pairing), Outcome::CannotRun(why)));
                if pairing == Pairing::ReferenceAlone {
                    return results;
                }
                continue;
            }
            let ran = self.run(number, case, pairing);
            if pairing == Pairing::ReferenceAlone {
                match judge_reference(&case.judge, ran) {
                    Ok(transcript) => {
                        expected = transcript;
                        if case.pairings.len() == 1 {
                            results.push(result(Some(pairing), Outcome::Pass));
                        }
                    }
                    Err(why) => {
                        results.push(result(None, Outcome::Unsound(why)));
                        return results;
                    }
                }
            } else {
                results.push(result(Some(pairing), judge_ours(expected.as_ref(), ran)));
            }
        }
        results
    }

    fn run(&self, number: usize, case: &Case, pairing: Pairing) -> anyhow::Result<Transcript> {
        let ours = self.ours.as_ref().unwrap_or(&self.reference);
        let (writer, reader) = match pairing {
            Pairing::ReferenceAlone => (&self.reference, &self.reference),
            Pairing::OursAlone => (ours, ours),
            Pairing::OursToReference => (ours, &self.reference),
            Pairing::ReferenceToOurs => (&self.reference, ours),
        };
        let dir = fresh_dir(self.scratch, number, pairing)?;
        let ran = Run { case, writer, reader, dir: dir.clone() }.execute();
        if !self.keep {
            cleanup::remove(&dir)?;
        }
        ran
    }
}

/// The transcript the other runs must equal, if the case is judged by one; or why the case is not sound.
fn judge_reference(judge: &Judge, ran: anyhow::Result<Transcript>) -> std::result::Result<Option<Transcript>, String> {
    match (judge, ran) {
        (Judge::Reference, Ok(transcript)) => Ok(Some(transcript)),
        (Judge::Demands(_), Ok(_)) | (Judge::Defect(_), Err(_)) => Ok(None),
        (Judge::Reference | Judge::Demands(_), Err(error)) => Err(format!("{error:#}")),
        (Judge::Defect(defect), Ok(_)) => Err(format!("  the reference does not show its defect: {defect}")),
    }
}

fn judge_ours(expected: Option<&Transcript>, ran: anyhow::Result<Transcript>) -> Outcome {
    match (ran, expected) {
        (Err(error), _) => Outcome::Fail(format!("{error:#}")),
        (Ok(_), None) => Outcome::Pass,
        (Ok(found), Some(expected)) => difference(expected, &found).map_or(Outcome::Pass, Outcome::Fail),
    }
}
