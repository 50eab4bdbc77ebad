-- All account-days with a shape, and how many of 65,536 places are taken of them for a
-- sample of some 20,000.
select
  sum(days) as days,
  cast(least(65536, (65536 * 20000 + sum(days) - 1) / greatest(sum(days), 1)) as bigint) as places
from load_shape_count_part
