//! Rule `rings`: within a package, no file uses a file that in the end uses it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::modules::{Module, Modules};
use super::problem::Problem;
use super::workspace::{Package, Workspace};

type ModulePath = Vec<String>;
/// From a module to those it uses, each with the line of the first use.
type Graph = BTreeMap<ModulePath, BTreeMap<ModulePath, usize>>;

/// Every import ring, told once.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    workspace.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Problem> {
    let modules = Modules::of(&package.dir, &package.sources);
    let graph = graph(&modules);
    let mut told: BTreeSet<BTreeSet<ModulePath>> = BTreeSet::new();
    let mut problems = Vec::new();
    for (path, module) in modules.iter() {
        let Some(ring) = shortest_ring(&graph, path) else { continue };
        if told.insert(ring.iter().cloned().collect()) {
            let line = ring.get(1).and_then(|next| graph[path].get(next)).copied().unwrap_or(1);
            let names: Vec<String> = ring.iter().map(|path| name(path.as_slice())).collect();
            let message = format!("import ring {} (put what both need into a file below both)", names.join(" -> "));
            problems.push(Problem::new("rings", &module.source.path, line, message));
        }
    }
    problems
}

fn graph(modules: &Modules<'_>) -> Graph {
    modules.iter().map(|(path, module)| (path.clone(), edges(modules, path, module))).collect()
}

fn edges(modules: &Modules<'_>, from: &ModulePath, module: &Module<'_>) -> BTreeMap<ModulePath, usize> {
    let mut edges = BTreeMap::new();
    for import in &module.imports {
        let Some(target) = modules.target(from, import) else { continue };
        // A door that shows what stands behind it does not use it.
        let is_door = import.public && target.starts_with(from);
        if target != *from && !is_door {
            edges.entry(target).or_insert(import.line);
        }
    }
    edges
}

/// The shortest way from `start` back to itself, both ends included.
fn shortest_ring(graph: &Graph, start: &ModulePath) -> Option<Vec<ModulePath>> {
    let mut came_from: BTreeMap<&ModulePath, &ModulePath> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                return Some(way_back(&came_from, start, at));
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}

fn way_back(came_from: &BTreeMap<&ModulePath, &ModulePath>, start: &ModulePath, last: &ModulePath) -> Vec<ModulePath> {
    let mut ring = vec![start.clone()];
    let mut at = last;
    while at != start {
        ring.push(at.clone());
        at = came_from[at];
    }
    ring.push(start.clone());
    ring.reverse();
    ring
}

fn name(path: &[String]) -> String {
    if path.is_empty() { "crate".to_owned() } else { path.join("::") }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    fn rings(files: &[(&str, &str)]) -> Vec<String> {
        check(&sample::workspace("a", files)).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_ring_of_two_and_of_three_is_told_once() {
        let two =
            rings(&[("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::{A, C};"), ("c.rs", "use crate::a::A;")]);
        assert_eq!(two.len(), 1);
        assert!(two[0].starts_with("import ring a -> b -> a"), "{two:?}");
        let files = [("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { crate::c::g() }"), ("c.rs", "use crate::a;")];
        assert_eq!(rings(&files).len(), 1);
    }

    #[test]
    fn a_ring_through_a_door_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::*;"),
            ("a.rs", "use crate::B;"),
            ("b.rs", "use crate::A; pub struct B;"),
        ];
        assert_eq!(rings(&files).len(), 1);
    }

    #[test]
    fn a_door_is_no_ring_and_tests_may_look_anywhere() {
        let files = [
            ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("a.rs", "pub struct A;\n#[cfg(test)]\nmod tests { use crate::b::B; }"),
            ("b.rs", "use crate::A; pub struct B;"),
        ];
        assert!(rings(&files).is_empty(), "{:?}", rings(&files));
    }

    #[test]
    fn a_child_that_uses_what_its_user_owns_is_a_ring() {
        let files = [("m/mod.rs", "mod c; pub struct P; fn f() { c::g() }"), ("m/c.rs", "use super::P;")];
        assert_eq!(rings(&files).len(), 1);
    }
}
