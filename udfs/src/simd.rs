//! Loops compiled for the instructions of the machine that they run on.

/// Runs `work` in a copy that is compiled for the processor at hand, AVX2 for
/// one, where the baseline of the target has less. What it calls must be
/// inlined into it to gain. Only for work on integers, or on floats one by one:
/// then the result is the same on every processor.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
