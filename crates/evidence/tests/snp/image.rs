//! Firmware images made here: as much of an OVMF image as counts for a launch digest, right until a test makes one thing wrong.

pub const TABLE: u128 = 0x96b582de_1fb2_45f7_baea_a366c55a082d;
pub const SEV_METADATA: u128 = 0xdc886566_984a_4798_a75e_5585a7bf67cc;
pub const HASH_TABLE: u128 = 0x7255371f_3a3b_4b04_927b_1da6efa8d454;
pub const RESET_BLOCK: u128 = 0x00f771de_1a7e_4fcb_890e_68c77e2fb44e;

/// Where the metadata begins, counted from the end.
pub const METADATA: u32 = 1024;

/// What an image says of itself.
#[derive(Clone, Debug)]
pub struct Image {
    pub length: usize,
    pub magic: [u8; 4],
    pub version: u32,
    /// Address, length and kind.
    pub sections: Vec<[u32; 3]>,
    /// Added to the number of sections and to the metadata's length as they are stated.
    pub more_sections: u32,
    pub more_bytes: u32,
    pub table: u128,
    /// GUID and content.
    pub entries: Vec<(u128, Vec<u8>)>,
}

impl Image {
    /// With the sections and addresses of EDK2's image for direct boot.
    pub fn new() -> Self {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Self {
            length: 8192,
            magic: *b"ASEV",
            version: 1,
            sections: vec![
                [0x80_0000, 0x9000, 1],
                [0x80_a000, 0x3000, 1],
                [0x80_d000, 0x1000, 2],
                [0x80_e000, 0x1000, 3],
                [0x80_f000, 0x1000, 4],
                [0x81_0000, 0x1000, 0x10],
                [0x81_1000, 0xf000, 1],
            ],
            more_sections: 0,
            more_bytes: 0,
            table: TABLE,
            entries: vec![(SEV_METADATA, words(&[METADATA])), (HASH_TABLE, words(&[0x81_0c00, 0x400])), (RESET_BLOCK, words(&[0x80_b004]))],
        }
    }

    /// The same with one thing changed.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut image = Self::new();
        change(&mut image);
        image
    }

    /// The content of an entry.
    pub fn entry(&mut self, id: u128) -> &mut Vec<u8> {
        self.entries.iter_mut().find(|(other, _)| *other == id).map(|(_, content)| content).expect("an entry")
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: u128) {
        self.entries.retain(|(other, _)| *other != id);
    }

    pub fn build(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..self.length).map(|at| ((at * 31) ^ (at >> 8)) as u8).collect();
        let mut put = |before_end: usize, piece: &[u8]| {
            if let Some(start) = self.length.checked_sub(before_end) {
                bytes[start..start + piece.len()].copy_from_slice(piece);
            }
        };
        let count = self.sections.len() as u32;
        let mut metadata = self.magic.to_vec();
        for word in [16 + 12 * count + self.more_bytes, self.version, count + self.more_sections] {
            metadata.extend(word.to_le_bytes());
        }
        metadata.extend(self.sections.iter().flatten().flat_map(|word| word.to_le_bytes()));
        put(METADATA as usize, &metadata);
        let mut table = Vec::new();
        for (id, content) in &self.entries {
            table.extend(content);
            table.extend((content.len() as u16 + 18).to_le_bytes());
            table.extend(guid(*id));
        }
        table.extend((table.len() as u16 + 18).to_le_bytes());
        table.extend(guid(self.table));
        put(32 + table.len(), &table);
        bytes
    }
}

/// A GUID as it lies in memory.
fn guid(id: u128) -> [u8; 16] {
    let mut bytes = id.to_be_bytes();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    bytes
}
