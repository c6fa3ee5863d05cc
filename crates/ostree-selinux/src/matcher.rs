//! All patterns of a policy at once: which is the first that a path matches.
//!
//! One automaton that is made while it is used reads a path once, however many patterns there are. What follows a path in
//! its input is a NUL, which no path has, and its file type, so that the types of the patterns are part of the automaton.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{Compiler, Config, NFA, WhichCaptures};
use regex_automata::util::pool::Pool;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use crate::error::SelinuxError;
use crate::limits::{LEARNT_SIZE, MAX_PATTERN_DEPTH, MAX_PATTERNS_SIZE};
use crate::pattern::translate;
use crate::spec::{ANY_TYPE, Spec};

type Caches = Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// The patterns of a list of specifications.
pub struct Matcher {
    automaton: Arc<DFA>,
    /// What threads have learnt; one for each that looks up at the same time.
    caches: Caches,
}

impl Matcher {
    /// Compiles the patterns of `specs`, of which the first that matches is to win.
    pub fn new(specs: &[Spec]) -> Result<Self, SelinuxError> {
        let parsed = specs.iter().map(|spec| parse(spec).map_err(|reason| spec.refuse(reason)));
        let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
        let nfa =
            compile(&parsed).map_err(|error| match specs.iter().zip(&parsed).find(|(_, one)| is_too_large(one)) {
                Some((spec, _)) => spec.refuse("the pattern takes too much memory".into()),
                None if error.size_limit().is_some() => {
                    SelinuxError::TooLarge { what: "memory for the patterns".into(), limit: MAX_PATTERNS_SIZE }
                }
                None => SelinuxError::Patterns { reason: error.to_string() },
            })?;
        let config = DFA::config().match_kind(MatchKind::LeftmostFirst);
        let config = config.cache_capacity(LEARNT_SIZE).skip_cache_capacity_check(true);
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa);
        let automaton = automaton.map_err(|error| SelinuxError::Patterns { reason: error.to_string() })?;
        let automaton = Arc::new(automaton);
        let shared = Arc::clone(&automaton);
        Ok(Self { automaton, caches: Pool::new(Box::new(move || shared.create_cache())) })
    }

    /// Which specification comes first of those that `path` matches as a file of this type (of [`spec`](crate::spec)).
    pub fn first_match(&self, path: &[u8], file_type: u8) -> Option<usize> {
        if path.contains(&0) {
            return None;
        }
        let input = [path, &[0, file_type]].concat();
        let input = Input::new(&input).anchored(Anchored::Yes);
        // The automaton has neither quit bytes nor a limit on how often it forgets, so no search is given up.
        let found = self.automaton.try_search_fwd(&mut self.caches.get(), &input).ok().flatten()?;
        Some(found.pattern().as_usize())
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher").field("patterns", &self.automaton.pattern_len()).finish_non_exhaustive()
    }
}

type Hir = regex_syntax::hir::Hir;

fn parse(spec: &Spec) -> Result<Hir, String> {
    let pattern = translate(&spec.pattern)?;
    let types = match spec.file_type {
        Some(file_type) => format!("[\\x{:02x}\\x{ANY_TYPE:02x}]", file_type as u8),
        None => ".".to_owned(),
    };
    let config = syntax::Config::new().unicode(false).utf8(false).dot_matches_new_line(true);
    let config = config.nest_limit(MAX_PATTERN_DEPTH);
    syntax::parse_with(&format!("{pattern}\\x0a?\\x00{types}"), &config).map_err(|error| {
        // The rest of the message draws the translated pattern, which nobody knows.
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

fn compile(parsed: &[Hir]) -> Result<NFA, regex_automata::nfa::thompson::BuildError> {
    let config = Config::new().utf8(false).nfa_size_limit(Some(MAX_PATTERNS_SIZE)).which_captures(WhichCaptures::None);
    Compiler::new().configure(config).build_many_from_hir(parsed)
}

fn is_too_large(parsed: &Hir) -> bool {
    compile(std::slice::from_ref(parsed)).is_err()
}
