//! Loops compiled for the instructions of the machine that they run on.

/// A loop to run by [`widest`]. Its `call` is marked `#[inline(always)]`, and so
/// is what it calls: what is not inlined gains nothing. A closure will not do,
/// because closures of some size are not inlined.
pub(crate) use pulp::NullaryFnOnce as Work;

/// Runs `work` in a copy that is compiled for the processor at hand, with AVX2
/// for one, where the baseline of the target has less. Only for work on
/// integers, or on floats one by one: then the result is the same on every
/// processor.
pub(crate) fn widest<W: Work>(work: W) -> W::Output {
    pulp::Arch::new().dispatch(work)
}
