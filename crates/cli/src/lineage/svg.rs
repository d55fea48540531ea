//! A graph as a picture: SVG 1.1, in columns, without scripts, links or fonts of its own.
//!
//! A node's column is its distance from what was asked about: to the left what that came from, to the right what came of it. Not here: an arrangement with few
//! crossings (for that there is [`dot`](super::dot())).

use super::{Direction, Graph, show};
use crate::output::plain;
use std::{
    collections::{BTreeMap, VecDeque, btree_map::Entry},
    fmt::Write as _,
};

/// Pixels.
const WIDTH: i64 = 430;
const LINE: i64 = 15;
const COLUMN: i64 = 540;
const GAP: i64 = 24;
const MARGIN: i64 = 20;
/// Characters of a line that fit into a box.
const FIT: usize = 68;

struct Rect {
    x: i64,
    y: i64,
    height: i64,
}

/// The graph as one SVG document.
pub fn svg(graph: &Graph, direction: Direction) -> String {
    let columns = columns(graph, direction);
    let leftmost = columns.values().min().copied().unwrap_or_default();
    let (mut below, mut rects) = (BTreeMap::<i64, i64>::new(), Vec::new());
    let mut lines = Vec::new();
    for (position, node) in graph.nodes.iter().enumerate() {
        let shown: Vec<String> = std::iter::once(show::title(node)).chain(show::details(node)).flat_map(|line| wrapped(&line)).collect();
        let column = columns.get(&position).copied().unwrap_or_default() - leftmost;
        let y = below.entry(column).or_insert(MARGIN);
        let height = LINE * i64::try_from(shown.len()).unwrap_or_default() + 12;
        rects.push(Rect { x: MARGIN + column * COLUMN, y: *y, height });
        *y += height + GAP;
        lines.push(shown);
    }
    let width = rects.iter().map(|rect| rect.x + WIDTH).max().unwrap_or_default() + MARGIN;
    let height = rects.iter().map(|rect| rect.y + rect.height).max().unwrap_or_default() + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <defs><marker id=\"a\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\"/></marker></defs>\n"
    );
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (rects.get(edge.from), rects.get(edge.to)) else { continue };
        arrow(from, to, &edge.step.to_string(), &mut text);
    }
    for (position, ((rect, shown), node)) in rects.iter().zip(&lines).zip(&graph.nodes).enumerate() {
        let stroke = if graph.roots.contains(&position) { 3 } else { 1 };
        let dashes = if node.erased.is_some() { " stroke-dasharray=\"5 3\"" } else { "" };
        let Rect { x, y, height } = rect;
        let _ = writeln!(
            text,
            "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{height}\" rx=\"4\" fill=\"#ffffff\" stroke=\"#000000\" stroke-width=\"{stroke}\"{dashes}/>",
            escaped(&node.what.to_string())
        );
        for (line, row) in shown.iter().zip(1_i64..) {
            let weight = if row == 1 { " font-weight=\"bold\"" } else { "" };
            let _ = writeln!(text, "<text x=\"{}\" y=\"{}\"{weight}>{}</text>", x + 8, y + LINE * row + 2, escaped(line));
        }
        text.push_str("</g>\n");
    }
    text.push_str("</svg>");
    text
}

/// How far each node lies behind (or, below zero, before) what was asked about.
fn columns(graph: &Graph, direction: Direction) -> BTreeMap<usize, i64> {
    let mut columns: BTreeMap<usize, i64> = graph.roots.iter().map(|root| (*root, 0)).collect();
    for (follow, step) in [(direction.forward(), 1), (direction.backward(), -1)] {
        if !follow {
            continue;
        }
        let mut next = BTreeMap::<usize, Vec<usize>>::new();
        for edge in &graph.edges {
            let (here, there) = if step > 0 { (edge.from, edge.to) } else { (edge.to, edge.from) };
            next.entry(here).or_default().push(there);
        }
        let mut waiting: VecDeque<usize> = graph.roots.iter().copied().collect();
        while let Some(node) = waiting.pop_front() {
            let column = columns.get(&node).copied().unwrap_or_default() + step;
            for there in next.get(&node).into_iter().flatten() {
                if let Entry::Vacant(vacant) = columns.entry(*there) {
                    vacant.insert(column);
                    waiting.push_back(*there);
                }
            }
        }
    }
    columns
}

/// A curve from the right of one box to the left of another, or round the outside where that lies behind it.
fn arrow(from: &Rect, to: &Rect, label: &str, text: &mut String) {
    let (x1, y1, x2, y2) = (from.x + WIDTH, from.y + from.height / 2, to.x, to.y + to.height / 2);
    let bend = if x2 > x1 { (x2 - x1) / 2 } else { COLUMN - WIDTH };
    let _ = writeln!(
        text,
        "<path d=\"M{x1},{y1} C{},{y1} {},{y2} {x2},{y2}\" fill=\"none\" stroke=\"#666666\" marker-end=\"url(#a)\"/>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#444444\">{}</text>",
        x1 + bend,
        x2 - bend,
        (x1 + x2) / 2,
        (y1 + y2) / 2 - 4,
        escaped(label)
    );
}

/// A line in pieces that fit.
fn wrapped(line: &str) -> Vec<String> {
    let characters: Vec<char> = plain(line).chars().collect();
    characters.chunks(FIT).map(|piece| piece.iter().collect()).collect()
}

/// Text between tags or in an attribute.
fn escaped(text: &str) -> String {
    let plain = plain(text);
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
