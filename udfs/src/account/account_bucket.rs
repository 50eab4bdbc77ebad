//! The bucket of an account: a fixed hash, so that tables stay where they are.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion_common::{Result, ScalarValue, exec_err, internal_datafusion_err, plan_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;
use twox_hash::XxHash64;

use crate::args::{coerce_integer, columns, exactly, primitive, refuse, signature};

const NAME: &str = "account_bucket";
const MOST_BUCKETS: i64 = 65_536;

/// xxHash64, seed 0, of the UTF-8 bytes of an account identifier. A sample "in
/// the order of the account hash" is in the order of this number.
pub fn account_hash(account_id: &str) -> u64 {
    XxHash64::oneshot(0, account_id.as_bytes())
}

/// The bucket of an account, from 0 to `buckets - 1`: [`account_hash`] modulo
/// `buckets`. Zero buckets count as one.
pub fn bucket_of(account_id: &str, buckets: u32) -> u32 {
    // Less than a number of 32 bits, so it has no more than 32.
    (account_hash(account_id) % u64::from(buckets.max(1))) as u32
}

/// Source: XXH64 of the xxHash specification 0.1.1 (Yann Collet).
#[user_doc(
    doc_section(label = "Accounts"),
    description = r"The bucket of an account (INT, 0 to `buckets` - 1): xxHash64 with seed 0 of the UTF-8 bytes of the identifier, modulo the number of buckets. Tables with rows per account are partitioned by it.

NULL where either argument is NULL. A number of buckets that is not a power of two from 1 to 65536 is an error, at planning where it is a literal.",
    syntax_example = "account_bucket(account_id, buckets)",
    sql_example = r"```sql
> select account_bucket('a', 16);
11
```",
    argument(
        name = "account_id",
        description = "VARCHAR, byte by byte: case and blanks count. Cast numbers to text before."
    ),
    argument(name = "buckets", description = "BIGINT literal: a power of two from 1 to 65536.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccountBucket;

impl ScalarUDFImpl for AccountBucket {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [account, buckets] = exactly(NAME, ["account_id", "buckets"], types)?;
        if !is_text(account) {
            return refuse(NAME, "account_id", "text", account);
        }
        Ok(vec![DataType::Utf8, coerce_integer(NAME, "buckets", buckets, DataType::Int64)?])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int32)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(Some(literal)) = args.scalar_arguments.get(1)
            && let ScalarValue::Int64(Some(buckets)) = literal.cast_to(&DataType::Int64)?
            && !is_bucket_count(buckets)
        {
            return Err(plan_datafusion_err!("{}", refusal(buckets)));
        }
        Ok(Arc::new(Field::new(NAME, DataType::Int32, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [account, buckets] = columns(NAME, &args)?;
        let accounts = account
            .array()
            .as_string_opt::<i32>()
            .ok_or_else(|| internal_datafusion_err!("{NAME}: expected text, got {}", account.array().data_type()))?;
        let counts = primitive::<Int64Type>(NAME, buckets.array())?;
        let buckets = (0..args.number_rows)
            .map(|row| {
                let (account, count) = (account.at(row), buckets.at(row));
                if counts.is_null(count) {
                    return Ok(None);
                }
                let count = counts.value(count);
                if !is_bucket_count(count) {
                    return exec_err!("{}", refusal(count));
                }
                // A bucket count, so it fits; and so does a bucket.
                let bucket = |id| bucket_of(id, count as u32) as i32;
                Ok(accounts.is_valid(account).then(|| bucket(accounts.value(account))))
            })
            .collect::<Result<Int32Array>>()?;
        Ok(ColumnarValue::Array(Arc::new(buckets)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_text(value),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        _ => false,
    }
}

fn is_bucket_count(buckets: i64) -> bool {
    (1..=MOST_BUCKETS).contains(&buckets) && buckets.count_ones() == 1
}

fn refusal(buckets: i64) -> String {
    format!("{NAME}: argument buckets takes a power of two from 1 to {MOST_BUCKETS}, not {buckets}")
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, LargeStringArray};
    use arrow::datatypes::Int32Type;

    use super::*;
    use crate::testing::call;

    fn run(ids: Vec<Option<&str>>, buckets: i64) -> Result<ArrayRef> {
        let rows = ids.len();
        let ids: ArrayRef = Arc::new(LargeStringArray::from(ids));
        let buckets = ScalarValue::Int64(Some(buckets));
        call(AccountBucket, vec![ids.into(), buckets.into()], rows)
    }

    #[test]
    fn hash_is_xxhash64() {
        assert_eq!(account_hash(""), 0xEF46_DB37_51D8_E999);
        assert_eq!(account_hash("a"), 0xD24E_C4F1_A98C_6E5B);
        assert_eq!(account_hash("abc"), 0x44BC_2CF5_AD77_0999);
    }

    #[test]
    fn bucket_is_the_hash_modulo() {
        let buckets = run(vec![Some("a"), None, Some("abc"), Some("")], 16).unwrap();
        let expected = [Some(11), None, Some(9), Some(9)];
        assert_eq!(buckets.as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), expected);
        assert_eq!(bucket_of("a", 16), 11);
        assert_eq!(bucket_of("a", 1), 0);
        assert_eq!(bucket_of("a", 0), 0);
    }

    #[test]
    fn bucket_counts_are_powers_of_two() {
        for wrong in [0, -1, 3, 131_072, i64::MIN] {
            let error = run(vec![Some("a")], wrong).unwrap_err().to_string();
            assert!(error.contains("account_bucket: argument buckets takes a power of two"), "{error}");
        }
        assert!(run(vec![Some("a")], 65_536).is_ok());
    }

    #[test]
    fn numbers_are_no_text() {
        let types = [DataType::Int64, DataType::Int64];
        let error = AccountBucket.coerce_types(&types).unwrap_err().to_string();
        assert!(error.contains("argument account_id takes text, not Int64"), "{error}");
    }
}
