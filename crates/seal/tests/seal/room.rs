//! How the memory of a job is shared out.

use blockcloud_primitives::Resources;
use blockcloud_seal::{Room, room::content_cost};

const MIB: u64 = 1 << 20;

fn room(memory_gib: u32, memory_mib: u32, storage_gib: u32) -> Room {
    Room::beside(&Resources { vcpus: 1, memory_gib, storage_gib, gpus: 0 }, memory_mib)
}

#[test]
fn files_have_what_the_program_leaves() {
    assert_eq!(room(1, 512, 1).files, 384 * MIB);
    assert_eq!(room(4, 2048, 100).files, 1920 * MIB);
}

#[test]
fn there_is_always_some_room_and_never_more_than_the_storage() {
    assert_eq!(room(1, 1024, 1).files, 16 * MIB);
    assert_eq!(room(0, u32::MAX, 0).files, 16 * MIB);
    assert_eq!(room(64, 64, 1).files, 1024 * MIB);
    assert_eq!(room(u32::MAX, 0, 0).files, (u64::from(u32::MAX) << 30) - 128 * MIB);
}

#[test]
fn an_output_fits_the_storage_with_what_is_printed() {
    assert_eq!(room(1, 512, 1).output, 384 * MIB);
    assert_eq!(room(64, 64, 1).output, 928 * MIB);
    assert_eq!(room(64, 64, 0).output, 928 * MIB);
}

#[test]
fn pages_count_whole() {
    assert_eq!([0, 1, 4096, 4097].map(content_cost), [0, 4096, 4096, 8192]);
}
