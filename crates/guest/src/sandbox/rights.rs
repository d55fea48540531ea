//! Preview1's rights: what a descriptor may be used for.

/// A set of rights, as preview1's bit mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(pub u64);

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl Rights {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
        }
    };
}

rights! {
    /// `fd_datasync`.
    FD_DATASYNC = 0;
    /// `fd_read`, `fd_pread`.
    FD_READ = 1;
    /// `fd_seek`.
    FD_SEEK = 2;
    /// `fd_fdstat_set_flags`.
    FD_FDSTAT_SET_FLAGS = 3;
    /// `fd_sync`.
    FD_SYNC = 4;
    /// `fd_tell`.
    FD_TELL = 5;
    /// `fd_write`, `fd_pwrite`.
    FD_WRITE = 6;
    /// `fd_advise`.
    FD_ADVISE = 7;
    /// `fd_allocate`.
    FD_ALLOCATE = 8;
    /// `path_create_directory`.
    PATH_CREATE_DIRECTORY = 9;
    /// `path_open` with `creat`.
    PATH_CREATE_FILE = 10;
    /// `path_link`, where the link comes from.
    PATH_LINK_SOURCE = 11;
    /// `path_link`, where the link goes.
    PATH_LINK_TARGET = 12;
    /// `path_open`.
    PATH_OPEN = 13;
    /// `fd_readdir`.
    FD_READDIR = 14;
    /// `path_readlink`.
    PATH_READLINK = 15;
    /// `path_rename`, where it comes from.
    PATH_RENAME_SOURCE = 16;
    /// `path_rename`, where it goes.
    PATH_RENAME_TARGET = 17;
    /// `path_filestat_get`.
    PATH_FILESTAT_GET = 18;
    /// `path_open` with `trunc`.
    PATH_FILESTAT_SET_SIZE = 19;
    /// `path_filestat_set_times`.
    PATH_FILESTAT_SET_TIMES = 20;
    /// `fd_filestat_get`.
    FD_FILESTAT_GET = 21;
    /// `fd_filestat_set_size`.
    FD_FILESTAT_SET_SIZE = 22;
    /// `fd_filestat_set_times`.
    FD_FILESTAT_SET_TIMES = 23;
    /// `path_symlink`.
    PATH_SYMLINK = 24;
    /// `path_remove_directory`.
    PATH_REMOVE_DIRECTORY = 25;
    /// `path_unlink_file`.
    PATH_UNLINK_FILE = 26;
    /// `poll_oneoff` on this descriptor.
    POLL_FD_READWRITE = 27;
}

impl Rights {
    /// Bits 0 to 29: every right that preview1 names.
    pub const ALL: Self = Self((1 << 30) - 1);
    /// What an open file has in any case. Only reading, writing and what changes content depend on how it was opened, as in POSIX.
    pub const FILE_ALWAYS: Self = Self(
        Self::FD_DATASYNC.0
            | Self::FD_SEEK.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::FD_TELL.0
            | Self::FD_ADVISE.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::POLL_FD_READWRITE.0,
    );
    /// What changes a file's content or size.
    pub const FILE_CHANGES: Self = Self(Self::FD_WRITE.0 | Self::FD_ALLOCATE.0 | Self::FD_FILESTAT_SET_SIZE.0);
    /// Everything that makes sense for a file.
    pub const FILE: Self = Self(Self::FILE_ALWAYS.0 | Self::FD_READ.0 | Self::FILE_CHANGES.0);
    /// Everything that makes sense for a directory.
    pub const DIRECTORY: Self = Self(
        Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_SYNC.0
            | Self::FD_DATASYNC.0
            | Self::PATH_CREATE_DIRECTORY.0
            | Self::PATH_CREATE_FILE.0
            | Self::PATH_LINK_SOURCE.0
            | Self::PATH_LINK_TARGET.0
            | Self::PATH_OPEN.0
            | Self::FD_READDIR.0
            | Self::PATH_READLINK.0
            | Self::PATH_RENAME_SOURCE.0
            | Self::PATH_RENAME_TARGET.0
            | Self::PATH_FILESTAT_GET.0
            | Self::PATH_FILESTAT_SET_SIZE.0
            | Self::PATH_FILESTAT_SET_TIMES.0
            | Self::FD_FILESTAT_GET.0
            | Self::FD_FILESTAT_SET_TIMES.0
            | Self::PATH_SYMLINK.0
            | Self::PATH_REMOVE_DIRECTORY.0
            | Self::PATH_UNLINK_FILE.0
            | Self::POLL_FD_READWRITE.0,
    );
    /// Standard input.
    pub const STDIN: Self = Self(Self::FD_READ.0 | Self::FD_FDSTAT_SET_FLAGS.0 | Self::FD_FILESTAT_GET.0 | Self::POLL_FD_READWRITE.0);
    /// Standard output and error.
    pub const STDOUT: Self = Self(
        Self::FD_WRITE.0
            | Self::FD_DATASYNC.0
            | Self::FD_SYNC.0
            | Self::FD_FDSTAT_SET_FLAGS.0
            | Self::FD_FILESTAT_GET.0
            | Self::POLL_FD_READWRITE.0,
    );

    /// Whether all of `other` are in this set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those in both sets.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in either set.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
