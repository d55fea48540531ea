//! DER as a tree that can be changed and written again, also in forms that are BER and not DER.

use crate::mutant::{Random, change};

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    Node { tag, form: Form::Shortest, content: Content::Bytes(content.to_vec()) }.encode()
}

pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// How a length is written.
#[derive(Clone, Copy)]
enum Form {
    Shortest,
    /// With one byte more than it takes.
    Long,
    /// Not at all; two zero bytes end the content.
    Indefinite,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

#[derive(Clone)]
pub struct Node {
    tag: u8,
    form: Form,
    content: Content,
}

impl Node {
    /// Reads one value and nothing after it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (node, rest) = Self::read_first(bytes)?;
        rest.is_empty().then_some(node)
    }

    fn read_first(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (tag, rest) = bytes.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        let nodes = if tag & 0x20 != 0 { Self::read_all(content) } else { None };
        let content = nodes.map_or_else(|| Content::Bytes(content.to_vec()), Content::Nodes);
        Some((Self { tag: *tag, form: Form::Shortest, content }, rest))
    }

    fn read_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        let mut nodes = Vec::new();
        while !bytes.is_empty() {
            let (node, rest) = Self::read_first(bytes)?;
            nodes.push(node);
            bytes = rest;
        }
        Some(nodes)
    }

    pub fn encode(&self) -> Vec<u8> {
        let content = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Nodes(nodes) => nodes.iter().flat_map(Self::encode).collect(),
        };
        let digits: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        let length = match self.form {
            Form::Indefinite => return [&[self.tag, 0x80], &content[..], &[0, 0]].concat(),
            Form::Shortest if content.len() < 0x80 => vec![content.len() as u8],
            Form::Shortest => [&[0x80 | digits.len() as u8], &digits[..]].concat(),
            Form::Long if content.len() < 0x80 => vec![0x81, content.len() as u8],
            Form::Long => [&[0x81 + digits.len() as u8, 0], &digits[..]].concat(),
        };
        [&[self.tag], &length[..], &content[..]].concat()
    }

    fn count(&self) -> usize {
        match &self.content {
            Content::Bytes(_) => 1,
            Content::Nodes(nodes) => 1 + nodes.iter().map(Self::count).sum::<usize>(),
        }
    }

    /// The node with a number, counted from the top, each before its content.
    fn node(&mut self, mut number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        number -= 1;
        let Content::Nodes(nodes) = &mut self.content else { panic!("a number below the count") };
        for node in nodes {
            let count = node.count();
            if number < count {
                return node.node(number);
            }
            number -= count;
        }
        panic!("a number below the count")
    }

    /// Changes one value somewhere inside, and says which.
    pub fn change(&mut self, random: &mut Random) -> String {
        let number = random.below(self.count());
        let node = self.node(number);
        let tag = node.tag;
        let how = match (random.below(12), &mut node.content) {
            (0, _) => {
                node.form = Form::Long;
                "a longer length".into()
            }
            (1, _) => {
                node.form = Form::Indefinite;
                "no length".into()
            }
            (2, _) => {
                node.tag ^= 1 << random.below(8);
                format!("tag {:#x}", node.tag)
            }
            (3, content) => {
                *content = Content::Bytes(vec![]);
                "emptied".into()
            }
            (4, Content::Nodes(nodes)) if !nodes.is_empty() => {
                nodes.remove(random.below(nodes.len()));
                "less".into()
            }
            (5, Content::Nodes(nodes)) if !nodes.is_empty() => {
                let at = random.below(nodes.len());
                nodes.insert(at, nodes[at].clone());
                format!("{at} repeated")
            }
            (6, Content::Nodes(nodes)) if !nodes.is_empty() => {
                let (first, second) = (random.below(nodes.len()), random.below(nodes.len()));
                nodes.swap(first, second);
                format!("{first} and {second} swapped")
            }
            (7, Content::Nodes(nodes)) => {
                let added: [&[u8]; 6] = [&[0x05, 0], &[0x01, 0x01, 0], &[0x01, 0x01, 0xff], &[0x01, 0x01, 1], &[0x81, 1, 0], &[0x82, 1, 0]];
                let at = random.below(nodes.len() + 1);
                let added = random.choose(&added).and_then(|bytes| Self::read(bytes)).expect("a value");
                nodes.insert(at, added);
                format!("more at {at}")
            }
            (_, Content::Nodes(nodes)) => {
                let at = random.below(nodes.len() + 1);
                nodes.insert(at, Self { tag: 0x04, form: Form::Shortest, content: Content::Bytes(vec![random.byte()]) });
                format!("bytes at {at}")
            }
            (_, Content::Bytes(bytes)) => change(bytes, &[random.byte(), random.byte()], random),
        };
        format!("value {number} with tag {tag:#x}: {how}")
    }
}
