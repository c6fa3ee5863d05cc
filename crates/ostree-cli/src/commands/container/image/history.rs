//! `image history`: how the layers of a stored image came to be.

use std::io::Write;

use anyhow::Result;
use ostree_container::stored::{self, HistoryRow};
use ostree_repo::format_size;
use rustix::termios::tcgetwinsize;
use serde_json::{Value, json};

use crate::commands::container::image::list;
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::{Output, line};
use crate::short_names;

/// The columns before the last one, which gets the rest: their names and widths in bytes.
const COLUMNS: [(&str, usize); 2] = [("ID", 20), ("SIZE", 10)];
/// The name of the last column.
const REST: &str = "CREATED BY";
/// Between two columns.
const GAP: usize = 2;
/// The width where there is no terminal.
const WIDTH: usize = 80;

/// Show the layers of a stored image and how they were made
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  ostree-container image history --repo repo docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// Print a JSON object with everything in full
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// The stored image, e.g. registry:registry.example.com/os:latest
    #[arg(value_name = "IMGREF")]
    imgref: ImageWord,
}

/// Prints a layer a line, the lowest first.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let imgref = short_names::stored(&args.imgref.0, &repo, context)?;
    if args.json {
        let image = stored::require(&repo, &imgref)?;
        let layers: Vec<Value> = stored::history(&image).iter().map(describe).collect();
        return line(json!({
            "image": imgref.to_string(), "commit": image.commit.to_string(),
            "layers": layers, "problems": image.problems,
        }));
    }
    let image = list::open(&repo, &imgref)?;
    let width = std::io::stdout();
    let width = tcgetwinsize(&width).map_or(WIDTH, |size| usize::from(size.ws_col));
    let mut out = Output::stdout();
    writeln!(out, "{}", row([COLUMNS[0].0, COLUMNS[1].0], REST, width))?;
    for HistoryRow { digest, size, step, .. } in stored::history(&image) {
        let made_by = step.and_then(|step| step.created_by).unwrap_or_default();
        let digest = cut(digest.hex(), COLUMNS[0].1);
        writeln!(out, "{}", row([digest, &format_size(size)], &made_by, width))?;
    }
    Ok(out.flush()?)
}

/// One line of the table. Widths are counted in bytes, as the original does; the last column is cut before a character that
/// does not fit.
fn row(cells: [&str; 2], rest: &str, width: usize) -> String {
    let mut text = String::new();
    for (cell, (_, size)) in cells.iter().zip(COLUMNS) {
        text.push_str(cell);
        text.push_str(&" ".repeat(size.saturating_sub(cell.len()) + GAP));
    }
    let left = width.saturating_sub(text.len());
    // What is not to be printed would move the cursor about.
    let rest = rest.replace(|character: char| character.is_control(), " ");
    text.push_str(cut(&rest, left));
    text
}

/// At most `size` bytes of a text, whole characters.
fn cut(text: &str, size: usize) -> &str {
    let mut end = size.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn describe(row: &HistoryRow) -> Value {
    let step = row.step.as_ref();
    json!({
        "digest": row.digest.to_string(),
        "size": row.size,
        "commit": row.commit.map(|commit| commit.to_string()),
        "created": step.and_then(|step| step.created.as_deref()),
        "created-by": step.and_then(|step| step.created_by.as_deref()),
        "comment": step.and_then(|step| step.comment.as_deref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns() {
        assert_eq!(row(["ID", "SIZE"], REST, 80), "ID                    SIZE        CREATED BY");
        assert_eq!(row(["x", "1.0\u{a0}kB"], "aé\n", 36), "x                     1.0\u{a0}kB     a");
        assert_eq!(row(["x", "y"], "a\tb", 80), "x                     y           a b");
        assert_eq!(row(["x", "y"], "abc", 5), "x                     y           ");
    }
}
