//! A graph for people: one line for a node, and the tree of a walk.

use super::{Direction, Graph, Node, Place, Receipts, What};
use crate::{output::plain, units::date};
use blockcloud_client::account_to_ss58;
use blockcloud_primitives::Digest;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Stretches of positions that are shown one by one.
const STRETCHES: usize = 6;

/// What the node is, in words.
pub fn title(node: &Node) -> String {
    let digest = short(node.what.digest());
    match (&node.what, &node.name) {
        (_, Some(name)) => format!("{} {}", node.what.kind(), plain(name)),
        (What::Blob(_), None) => format!("sealed blob {digest}"),
        (What::Sealed(..), None) => format!("sealed blob of keyed digest {digest}"),
        (What::Object(..), None) => format!("object {digest}"),
        (What::Run(..), None) => format!("run of module {digest}"),
        (What::Content(_), None) => format!("content {digest}"),
        (What::Recipient(site, _), None) => format!("recipient {digest} at site {site}"),
        (What::Unknown(..), None) => format!("origin {digest}, of which no receipt tells"),
    }
}

/// Where it was seen and what became of it, one line each.
pub fn details(node: &Node) -> Vec<String> {
    let erased = node.erased.map(|erased| format!("erased {}, receipt {}{}", date(erased.time), erased.seq, unproved(erased.proved)));
    node.places.iter().map(place).chain(erased).collect()
}

fn place(place: &Place) -> String {
    let Place { job, provider, site, receipts } = place;
    let provider = account_to_ss58(*provider);
    format!("job {job}, site {site}, provider {provider}: {}", self::receipts(receipts))
}

/// Positions and times.
pub fn receipts(receipts: &Receipts) -> String {
    let mut shown: Vec<_> = receipts
        .seqs
        .iter()
        .take(STRETCHES)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    if receipts.seqs.len() > STRETCHES {
        shown.push("…".into());
    }
    let word = if receipts.count == 1 { "receipt" } else { "receipts" };
    let times =
        if receipts.first == receipts.last { date(receipts.first) } else { format!("{} to {}", date(receipts.first), date(receipts.last)) };
    format!("{word} {}, {times}{}", shown.join(", "), unproved(receipts.proved))
}

fn unproved(proved: bool) -> &'static str {
    if proved { ", proved" } else { ", not proved" }
}

/// A digest that fits on a line.
pub fn short(digest: Digest) -> String {
    format!("{:.18}…", digest.to_string())
}

/// The graph as trees, one for each node that was asked about and each way. A node is written out where it comes first.
pub fn tree(graph: &Graph, direction: Direction) -> String {
    let mut text = String::new();
    let mut told = BTreeSet::new();
    for root in &graph.roots {
        let Some(node) = graph.nodes.get(*root) else { continue };
        let _ = writeln!(text, "{}", title(node));
        for line in details(node) {
            let _ = writeln!(text, "  {line}");
        }
        told.insert(*root);
        if direction.backward() {
            branches(graph, *root, false, &mut told, &mut text);
        }
        if direction.forward() {
            branches(graph, *root, true, &mut told, &mut text);
        }
    }
    if graph.cut {
        text.push_str("more was left out: --limit\n");
    }
    text.truncate(text.trim_end().len());
    text
}

fn branches(graph: &Graph, root: usize, ahead: bool, told: &mut BTreeSet<usize>, text: &mut String) {
    let mut next = BTreeMap::<usize, Vec<usize>>::new();
    for (position, edge) in graph.edges.iter().enumerate() {
        next.entry(if ahead { edge.from } else { edge.to }).or_default().push(position);
    }
    let edges = |node: usize| next.get(&node).cloned().unwrap_or_default();
    let first = edges(root);
    let _ = writeln!(
        text,
        "{}",
        match (ahead, first.is_empty()) {
            (true, true) => "nothing came of it",
            (true, false) => "what came of it:",
            (false, true) => "it came from nothing that is known here",
            (false, false) => "what it came from:",
        }
    );
    // Edges that are still to be written, each with what stands before it and whether it is the last of its node.
    let mut waiting = Vec::new();
    let below = |edges: Vec<usize>, before: &str, waiting: &mut Vec<(usize, String, bool)>| {
        let count = edges.len();
        waiting.extend(edges.into_iter().enumerate().rev().map(|(place, edge)| (edge, before.to_owned(), place + 1 == count)));
    };
    below(first, "", &mut waiting);
    let mut expanded = BTreeSet::from([root]);
    while let Some((edge, before, is_last)) = waiting.pop() {
        let Some(edge) = graph.edges.get(edge) else { continue };
        let other = if ahead { edge.to } else { edge.from };
        let Some(node) = graph.nodes.get(other) else { continue };
        let more = edges(other);
        let again = !expanded.insert(other);
        let mark = if again && !more.is_empty() { " (see above)" } else { "" };
        let arrow = if ahead { "→" } else { "←" };
        let _ = writeln!(text, "{before}{} {} {arrow} {}{mark}", if is_last { "└─" } else { "├─" }, edge.step, title(node));
        let behind = format!("{before}{}", if is_last { "   " } else { "│  " });
        if told.insert(other) {
            let line = if again || more.is_empty() { "  " } else { "│ " };
            for detail in details(node) {
                let _ = writeln!(text, "{behind}{line}{detail}");
            }
        }
        if !again {
            below(more, &behind, &mut waiting);
        }
    }
}
