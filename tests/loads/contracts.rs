//! Contracts of the cases.

pub const ACCOUNTS: &str = r#"
label = "Accounts"
files = ["accounts.csv"]
format = "csv"
key = ["account_id"]

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "account_class"
value = "residential"
type = "text"

[[column]]
name = "contract_capacity_kva"
value = "8"
type = "decimal(12,2)"

[[column]]
name = "transformer_id"
type = "text"
nullable = true
"#;

/// A column for each hour, in watts.
pub const HOURS: &str = r#"
label = "Load"
files = ["load/*.csv"]
format = "csv"
key = ["account_id", "date"]
time = "date"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "date"
type = "date"

[[column]]
name = "power_w"
from = "P{1..24}"
type = "curve"
unit = "W"
"#;

/// Readings of hours in kWh, with a version.
pub const READINGS: &str = r#"
label = "Readings"
files = ["readings/*.csv"]
format = "csv"
key = ["account_id", "read_at"]
time = "read_at"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "read_at"
type = "timestamp"

[[column]]
name = "power_w"
from = "kwh"
type = "int"
unit = "W"
from_unit = "kWh"
interval_minutes = 60

[[column]]
name = "interval_minutes"
value = "60"
type = "int"

[[column]]
name = "version"
from = "revision"
type = "int"
"#;

pub const METERS: &str = r#"
label = "Meters"
files = ["meters.csv"]
format = "csv"
key = ["meter_id", "account_id", "valid_from"]
valid_from = "valid_from"
valid_to = "valid_to"

[[column]]
name = "meter_id"
type = "text"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "valid_from"
type = "date"

[[column]]
name = "valid_to"
type = "date"
nullable = true

[[column]]
name = "direction"
type = "int"
nullable = true

[[column]]
name = "multiplier"
from = "ratio"
type = "int"
nullable = true
"#;

/// All accounts of each day, in a folder of that day.
pub const SNAPSHOTS: &str = r#"
label = "Accounts"
files = ["all/day=*/*.csv"]
format = "csv"
partition = ["day"]
key = ["account_id", "valid_from"]
valid_from = "valid_from"
valid_to = "valid_to"
snapshots = true

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "account_class"
from = "class"
type = "text"

[[column]]
name = "valid_from"
from = "day"
type = "date"

[[column]]
name = "valid_to"
type = "date"
nullable = true
"#;

/// A list of watts for each day, whose length follows the clock of London.
pub const LONDON_LISTS: &str = r#"
label = "Load"
files = ["load/*.parquet"]
key = ["account_id", "date"]
time = "date"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "date"
type = "date"
time_zone = "Europe/London"

[[column]]
name = "power_w"
type = "curve"
unit = "W"
"#;

/// Readings of half hours by the clock of Greenwich, for homes by that of London.
pub const LONDON_READINGS: &str = r#"
label = "Readings"
files = ["readings/*.csv"]
format = "csv"
key = ["account_id", "read_at"]
time = "read_at"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "read_at"
from = "utc"
type = "timestamp"
from_time_zone = "UTC"
time_zone = "Europe/London"

[[column]]
name = "power_w"
from = "w"
type = "int"
unit = "W"

[[column]]
name = "interval_minutes"
value = "30"
type = "int"
"#;

/// A register by the clock of Greenwich, of homes by that of London.
pub const LONDON_REGISTERS: &str = r#"
label = "Registers"
files = ["registers.csv"]
format = "csv"
key = ["account_id", "register_id", "read_at"]

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "register_id"
value = "1"
type = "text"

[[column]]
name = "read_at"
from = "utc"
type = "timestamp"
from_time_zone = "UTC"
time_zone = "Europe/London"

[[column]]
name = "register_wh"
from = "wh"
type = "int"
unit = "Wh"
"#;

pub const REGISTERS: &str = r#"
label = "Registers"
files = ["registers.csv"]
format = "csv"
key = ["account_id", "register_id", "read_at"]

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "register_id"
from = "register"
type = "text"

[[column]]
name = "meter_id"
from = "meter"
type = "text"

[[column]]
name = "read_at"
from = "time"
type = "timestamp"

[[column]]
name = "register_wh"
from = "kwh"
type = "int"
unit = "Wh"
from_unit = "kWh"

[[column]]
name = "multiplier"
from = "ratio"
type = "decimal(12,4)"
nullable = true

[[column]]
name = "rollover_wh"
from = "full_kwh"
type = "int"
unit = "Wh"
from_unit = "kWh"
nullable = true

[[column]]
name = "direction"
from = "sign"
type = "int"
nullable = true
"#;

/// A column for each half hour of the longest day.
pub const LONDON_COLUMNS: &str = r#"
label = "Load"
files = ["load/*.csv"]
format = "csv"
key = ["account_id", "date"]
time = "date"

[[column]]
name = "account_id"
type = "text"

[[column]]
name = "date"
type = "date"
time_zone = "Europe/London"

[[column]]
name = "power_w"
from = "P{1..50}"
type = "curve"
unit = "W"
"#;
