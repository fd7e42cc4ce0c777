//! Processes that train together record one run.
//!
//! ```text
//! torchrun --nproc-per-node 2 …        rank 0: journal-0, 0-3.pack      rank 1: journal-1, 1-3.pack
//! ```
//!
//! All of them must name the run alike, though none waits for another and they cannot talk before
//! the program lets them. The first that comes proposes an id; who comes later finds it. What the
//! processes of one start have in common is the caller's to say.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use florc_manifest::Ranks;

use crate::run_id::salt;

/// The id of the run of this launch. `propose` makes a run with a new id.
///
/// A launch that has the name of an earlier one is told apart by its ranks: each takes part once.
pub(crate) fn join(
    launches: &Path,
    ranks: &Ranks,
    propose: impl FnOnce() -> io::Result<String>,
) -> io::Result<String> {
    let name = blake3::hash(format!("{} {}", ranks.launch, ranks.world_size).as_bytes()).to_hex();
    for generation in 0_u32.. {
        let launch = launches.join(format!("{}-{generation}", &name[..16]));
        fs::create_dir_all(&launch)?;
        match File::create_new(launch.join(format!("rank-{}", ranks.rank))) {
            Ok(_) => return agree(&launch.join("run"), propose),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many launches of one name"))
}

/// The id in `file`, else a proposed one, which is in it from then on.
fn agree(file: &Path, propose: impl FnOnce() -> io::Result<String>) -> io::Result<String> {
    if let Ok(id) = fs::read_to_string(file) {
        return Ok(id);
    }
    let id = propose()?;
    let temporary = file.with_extension(format!("{:016x}.tmp", salt()));
    fs::write(&temporary, &id)?;
    let linked = fs::hard_link(&temporary, file);
    fs::remove_file(&temporary)?;
    match linked {
        Ok(()) => Ok(id),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(file),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranks(rank: u32, launch: &str) -> Ranks {
        Ranks {
            rank,
            world_size: 2,
            launch: launch.to_owned(),
        }
    }

    #[test]
    fn the_ranks_of_a_launch_agree_and_launches_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut ids = 0..;
        let mut of = |rank, launch| {
            let propose = || Ok(ids.next().unwrap().to_string());
            join(folder.path(), &ranks(rank, launch), propose).unwrap()
        };
        assert_eq!((of(1, "a"), of(0, "a")), ("0".into(), "0".into()));
        assert_eq!((of(0, "b"), of(1, "b")), ("1".into(), "1".into()));
        assert_eq!((of(0, "a"), of(1, "a")), ("2".into(), "2".into()), "again");
    }
}
