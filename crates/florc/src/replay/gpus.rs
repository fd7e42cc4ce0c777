//! A worker for each GPU, or for as many as there were processes.
//!
//! ```python
//! # florc replay --gpus 0,1,2,3     four workers, each with CUDA_VISIBLE_DEVICES of one of them
//! ```

use crate::args::ReplayOptions;
use crate::failure::Failure;

/// The options with as many workers as there are GPUs for, where GPUs are named. `each`: processes of a segment, at most.
pub(crate) fn spread(options: &ReplayOptions, each: u32) -> Result<ReplayOptions, Failure> {
    let mut options = options.clone();
    let (count, each) = (options.gpus.len(), each.max(1) as usize);
    if count == 0 {
        return Ok(options);
    }
    if !count.is_multiple_of(each) {
        let title = format!("{each} processes recorded the run, and `--gpus` names {count}");
        return Err(Failure::new(title).help(format!("name {each} GPUs, or a multiple of that")));
    }
    options.workers = count / each;
    Ok(options)
}

/// Those of one of the workers that run at a time.
pub(crate) fn of_worker(gpus: &[String], slot: usize, each: u32) -> &[String] {
    let mut shares = gpus.chunks(each.max(1) as usize);
    shares.nth(slot).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_its_own() {
        let gpus: Vec<String> = ["0", "1", "2", "3"].map(str::to_owned).to_vec();
        assert_eq!(of_worker(&gpus, 3, 1), ["3"]);
        assert_eq!(of_worker(&gpus, 1, 2), ["2", "3"]);
        assert!(of_worker(&[], 0, 1).is_empty());
    }
}
