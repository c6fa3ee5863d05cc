//! The tar format as a whole: what is written, what is read back, and what is refused.

mod bad_input;
mod replace;
mod round_trip;
mod support;
