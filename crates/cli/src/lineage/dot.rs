//! A graph in the DOT language of Graphviz.

use super::{Graph, What, show};
use crate::output::plain;
use std::fmt::Write as _;

/// The graph as one DOT document.
pub fn dot(graph: &Graph) -> String {
    let mut text = String::from(
        "digraph lineage {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", fontsize=10];\n  edge [fontname=\"sans-serif\", fontsize=9];\n",
    );
    for (position, node) in graph.nodes.iter().enumerate() {
        let shape = match node.what {
            What::Run(..) => "ellipse",
            What::Recipient(..) => "house",
            What::Blob(_) | What::Sealed(..) => "cylinder",
            What::Object(..) | What::Content(_) | What::Unknown(..) => "box",
        };
        let pen = if graph.roots.contains(&position) { 3 } else { 1 };
        let lines: Vec<_> = std::iter::once(show::title(node)).chain(show::details(node)).map(|line| escaped(&line)).collect();
        let style = if node.erased.is_some() { ", style=dashed" } else { "" };
        let _ = writeln!(text, "  n{position} [shape={shape}, penwidth={pen}{style}, label=\"{}\"];", lines.join("\\n"));
    }
    for edge in &graph.edges {
        let _ = writeln!(text, "  n{} -> n{} [label=\"{}\"];", edge.from, edge.to, edge.step);
    }
    text.push('}');
    text
}

/// Text inside a double-quoted string: DOT reads backslashes and quotes.
fn escaped(text: &str) -> String {
    plain(text).replace('\\', "\\\\").replace('"', "\\\"")
}
