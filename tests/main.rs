//! The one test binary: every module runs the built `kwhy` as its users would.

/// Lakes, processes, clusters and table comparison for all modules.
mod support;

/// What `kwhy --help` and its like show.
mod help;

/// The functions in SQL: documented examples, and tests/slt.
mod functions;

/// Embedded and cluster make the same tables, whatever is lost on the way.
mod engines;

/// Awkward files: what comes out of each, and what is refused.
mod deliveries;

/// The same lake in other shapes, units and zones, mapped by contracts.
mod foreign;

/// Awkward loads: gaps, spikes, corrections, clock changes, meters, and what
/// becomes of them.
mod loads;

/// A run repeated, resumed, and one that another run is in the way of.
mod lifecycle;

/// Real London homes, mapped by contracts alone, against an oracle.
mod london;

/// Functions in SQL against the figures of independent programs.
mod oracles;

/// A real steel works and the standard profiles, mapped by contracts alone.
mod steel;

/// The made lake: like real ones, and what was planted in it is found.
mod made_lake;

/// The whole catalogue of tags: cases, worth, what it finds, and that it is the
/// same however it is computed.
mod catalogue;

/// The tag engine through its commands.
mod tags;

/// Fitted segmentations: in one group each, of fair size, the same however computed.
mod segments;

/// Groups by rank: against what anyone counts, and as they stay.
mod tiers;

/// Each kind of wrong input: one clear message, the documented exit code.
mod wrong_input;
