//! Doing a thing again that failed in a way that may pass.

/// Does `work`, and up to `tries` times more while its failure is one that `may_pass`.
///
/// # Errors
/// The last failure.
pub fn again<T, E>(tries: usize, may_pass: impl Fn(&E) -> bool, work: impl Fn() -> Result<T, E>) -> Result<T, E> {
    let mut left = tries;
    loop {
        match work() {
            Err(error) if left > 0 && may_pass(&error) => left -= 1,
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn what_may_pass_is_tried_so_often_and_no_more() {
        let done = Cell::new(0);
        let count = |result: Result<u8, bool>| {
            done.set(done.get() + 1);
            result
        };
        assert_eq!(again(2, |passes| *passes, || count(Err(true))), Err(true));
        assert_eq!(done.replace(0), 3);
        assert_eq!(again(2, |passes| *passes, || count(Err(false))), Err(false));
        assert_eq!(done.replace(0), 1);
        assert_eq!(again(2, |passes| *passes, || count(if done.get() < 1 { Err(true) } else { Ok(1) })), Ok(1));
        assert_eq!(done.get(), 2);
    }
}
