-- The transformers of the register, and what each can carry. Grain: transformer_id.
-- The rating in watts is the capacity at the usual power factor.
select
  transformer_id,
  feeder_id,
  region_code,
  capacity_kva,
  cast(capacity_kva * 10 * $power_factor_percent as bigint) as rated_w
from stg_transformers
