//! Walks over graphs, and how they are drawn. How a graph comes about from records: `tests/elsewhere/lineage.rs`.

use super::{dot::dot, show::tree, svg::svg, *};

fn node(byte: u8) -> Node {
    Node { what: What::Blob(Digest([byte; 32])), name: None, places: Vec::new(), erased: None }
}

fn graph(nodes: u8, edges: &[(usize, usize)]) -> Graph {
    let edges = edges.iter().map(|(from, to)| Edge { from: *from, to: *to, step: Step::Read, receipts: Receipts::default() }).collect();
    Graph { nodes: (0..nodes).map(node).collect(), edges, ..Graph::default() }
}

/// First bytes of the digests that are kept, in order.
fn kept(graph: &Graph) -> Vec<u8> {
    graph.nodes.iter().map(|node| node.what.digest().0[0]).collect()
}

#[test]
fn a_walk_keeps_to_its_direction() {
    let graph = graph(6, &[(0, 1), (1, 2), (2, 3), (4, 2), (1, 5)]);
    let from = |direction| kept(&graph.around(&BTreeSet::from([2]), direction, 100));
    assert_eq!(from(Direction::Forward), [2, 3]);
    assert_eq!(from(Direction::Backward), [2, 1, 4, 0]);
    assert_eq!(from(Direction::Both), [2, 1, 4, 0, 3]);
}

#[test]
fn cycles_end_and_keep_their_edges() {
    let graph = graph(3, &[(0, 1), (1, 2), (2, 0), (1, 1)]);
    for direction in [Direction::Forward, Direction::Backward, Direction::Both] {
        let around = graph.around(&BTreeSet::from([0]), direction, 100);
        assert_eq!((around.nodes.len(), around.edges.len(), around.cut), (3, 4, false));
        assert!(tree(&around, direction).contains("(see above)"));
        assert!(svg(&around, direction).ends_with("</svg>"));
    }
}

#[test]
fn the_nearest_nodes_are_kept_when_there_are_too_many() {
    let star: Vec<_> = (1..100).map(|leaf| (0, leaf)).chain((1..100).map(|leaf| (leaf, leaf + 100))).collect();
    let graph = graph(200, &star);
    let around = graph.around(&BTreeSet::from([0]), Direction::Forward, 100);
    assert_eq!((around.nodes.len(), around.edges.len(), around.cut), (100, 99, true));
    assert!(tree(&around, Direction::Forward).ends_with("more was left out: --limit"));
    let more_roots = graph.around(&BTreeSet::from([0, 1, 2]), Direction::Both, 2);
    assert_eq!((more_roots.roots.len(), more_roots.cut), (2, true));
}

#[test]
fn a_long_chain_is_walked_and_drawn() {
    const LENGTH: usize = 20_000;
    let nodes = (0..LENGTH).map(|position| {
        let mut digest = Digest::ZERO;
        digest.0[..8].copy_from_slice(&position.to_be_bytes());
        Node { what: What::Blob(digest), ..node(0) }
    });
    let edges = (1..LENGTH).map(|to| Edge { from: to - 1, to, step: Step::Same, receipts: Receipts::default() });
    let graph = Graph { nodes: nodes.collect(), edges: edges.collect(), ..Graph::default() };
    let around = graph.around(&BTreeSet::from([0]), Direction::Forward, LENGTH);
    assert_eq!((around.nodes.len(), around.cut), (LENGTH, false));
    // Its lines grow with the depth.
    let short = graph.around(&BTreeSet::from([0]), Direction::Forward, 500);
    assert_eq!(tree(&short, Direction::Forward).lines().count(), 1 + 1 + 499 + 1);
    assert_eq!(svg(&around, Direction::Forward).matches("<rect ").count(), LENGTH);
}

#[test]
fn names_cannot_break_out_of_a_drawing() {
    let name = "a\"]; b -> c [\\\u{1b}[31m</text><script>&'\n";
    let mut graph = graph(1, &[]);
    graph.nodes[0].name = Some(name.into());
    let graph = graph.around(&BTreeSet::from([0]), Direction::Both, 10);
    let label = dot(&graph);
    assert!(label.contains(r#"label="blob a\"]; b -> c [\\\\u{1b}[31m</text><script>&'\\n""#), "{label}");
    let picture = svg(&graph, Direction::Both);
    assert!(picture.contains("a&quot;]; b -&gt; c [\\\\u{1b}[31m&lt;/text&gt;&lt;script&gt;&amp;&#39;\\n"), "{picture}");
    assert!(!tree(&graph, Direction::Both).contains('\u{1b}'));
}

#[test]
fn receipts_are_kept_as_stretches() {
    let mut receipts = Receipts::default();
    for (seq, proved) in [(3, true), (4, true), (4, true), (5, true), (9, false)] {
        receipts.add(seq, 1000 * seq, proved);
    }
    let expected = Receipts { count: 4, seqs: vec![(3, 5), (9, 9)], first: 3000, last: 9000, proved: false };
    assert_eq!(receipts, expected);
    for seq in (100..1000).step_by(2) {
        receipts.add(seq, seq, true);
    }
    assert_eq!((receipts.count, receipts.seqs.len()), (454, STRETCHES));
    assert_eq!(
        show::receipts(&receipts),
        "receipts 3-5, 9, 100, 102, 104, 106, …, 1970-01-01T00:00:03.000Z to 1970-01-01T00:00:00.998Z, not proved"
    );
}
