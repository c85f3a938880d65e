//! Which traces are kept.

use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};

/// Keeps one trace in so many. The trace's id alone decides, so all processes of a hub that are set alike decide alike,
/// and a flag that a client sends decides nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RatioSampler(pub(crate) u32);

impl RatioSampler {
    fn keeps(self, trace_id: TraceId) -> bool {
        // The last seven bytes are the random ones, by W3C Trace Context, level 2.
        let [.., a, b, c, d, e, f, g] = trace_id.to_bytes();
        u64::from_be_bytes([0, a, b, c, d, e, f, g]).is_multiple_of(u64::from(self.0.max(1)))
    }
}

impl ShouldSample for RatioSampler {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        let decision =
            if self.keeps(trace_id) { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        let trace_state = parent
            .map_or_else(TraceState::default, |parent| parent.span().span_context().trace_state().clone());
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_so_many_is_kept_whoever_decides() {
        let ids = (1_u128..=1_000)
            .map(|number| TraceId::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c87)));
        assert_eq!(ids.clone().filter(|id| RatioSampler(1).keeps(*id)).count(), 1_000);
        let kept = ids.filter(|id| RatioSampler(10).keeps(*id)).count();
        assert!((50..200).contains(&kept), "{kept} of 1000");
    }
}
