//! Two tries at once, the first of which counts if it succeeds, however long it takes.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// What came of two tries.
pub(crate) enum Preferred<T, E> {
    /// What the first gave.
    First(T),
    /// Why the first failed, and what came of the second.
    Second(E, Result<T, E>),
}

/// Tries both. The second is given up when the first succeeds.
pub(crate) async fn prefer<T, E>(
    first: impl Future<Output = Result<T, E>>,
    second: impl Future<Output = Result<T, E>>,
) -> Preferred<T, E> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    let mut of_second = None;
    let of_first = poll_fn(|context| {
        if of_second.is_none()
            && let Poll::Ready(result) = second.as_mut().poll(context)
        {
            of_second = Some(result);
        }
        first.as_mut().poll(context)
    });
    match of_first.await {
        Ok(value) => Preferred::First(value),
        Err(failure) => Preferred::Second(
            failure,
            match of_second {
                Some(result) => result,
                None => second.await,
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::time::Duration;

    use super::*;

    async fn later(result: Result<u8, u8>) -> Result<u8, u8> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        result
    }

    #[test]
    fn the_first_counts_if_it_succeeds() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            assert!(matches!(prefer(later(Ok(1)), ready(Ok(2))).await, Preferred::First(1)));
            assert!(matches!(prefer(ready(Ok::<u8, u8>(1)), pending()).await, Preferred::First(1)));
            assert!(matches!(prefer(later(Err(1)), ready(Ok(2))).await, Preferred::Second(1, Ok(2))));
            assert!(matches!(prefer(ready(Err(1)), later(Ok(2))).await, Preferred::Second(1, Ok(2))));
            assert!(matches!(prefer(later(Err(1)), later(Err(2))).await, Preferred::Second(1, Err(2))));
        });
    }
}
