//! What has changed between two rows.

use std::sync::Arc;

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{kernels::cmp::distinct, take};
use arrow::datatypes::{DataType, Field};
use datafusion_common::{Result, plan_err};
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::{Entries, as_texts, plain_struct, structs, texts};
use crate::args::exactly;
use crate::scalar::{Scalar, scalar};

const FIELDS: [&str; 3] = ["field", "before", "after"];

/// Fields that differ between two structs.
#[user_doc(
    doc_section(label = "Records"),
    description = r"The fields in which two structs differ, in their order: LIST of STRUCT(field TEXT, before TEXT, after TEXT), values as texts. NULL and a value differ, NULL and NULL do not; an empty list where nothing has changed. The structs have the same fields, which are no lists and no structs. To find the changes of a hundred columns in one pass.

NULL where one of the structs is.",
    syntax_example = "changed_fields(before, after)",
    sql_example = r"```sql
> select changed_fields({tier: 2, is_new: true}, {tier: 3, is_new: true});
[{field: tier, before: 2, after: 3}]
```",
    argument(name = "before", description = "STRUCT of plain values."),
    argument(name = "after", description = "STRUCT of the same fields.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ChangedFields;

impl Scalar for ChangedFields {
    const NAME: &'static str = "changed_fields";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let found = exactly(Self::NAME, ["before", "after"], types)?;
        let before = plain_struct(Self::NAME, "before", &found[0], &found[1])?;
        let after = plain_struct(Self::NAME, "after", &found[1], &before)?;
        let names = |kind: &DataType| match kind {
            DataType::Struct(fields) => fields.iter().map(|field| field.name().clone()).collect(),
            _ => Vec::new(),
        };
        if names(&before) != names(&after) {
            return plan_err!("{}: the structs have different fields", Self::NAME);
        }
        Ok(vec![before.clone(), before])
    }

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new_list_field(DataType::Struct(texts(&FIELDS)), true)))
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let before = structs(Self::NAME, &args.args[0], rows)?;
        let after = structs(Self::NAME, &args.args[1], rows)?;
        let nulls = NullBuffer::union(before.nulls(), after.nulls());
        let is_known = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        let mut entries = Entries::new();
        for ((field, old), new) in before.fields().iter().zip(before.columns()).zip(after.columns()) {
            let differs = distinct(old, new)?;
            let found = differs.values().set_indices().filter(|row| is_known(*row)).map(|row| row as u32);
            let found: UInt32Array = found.collect::<Vec<_>>().into();
            if found.is_empty() {
                continue;
            }
            let (old, new) = (as_texts(&take(old, &found, None)?)?, as_texts(&take(new, &found, None)?)?);
            let (old, new) = (old.as_string::<i32>(), new.as_string::<i32>());
            for (at, row) in found.values().iter().enumerate() {
                let value = |texts: &arrow::array::StringArray| texts.is_valid(at).then(|| texts.value(at).to_owned());
                let (old, new) = (value(old), value(new));
                entries.push(*row, [Some(field.name()), old.as_deref(), new.as_deref()]);
            }
        }
        Ok(ColumnarValue::Array(entries.lists(&FIELDS, rows, nulls)?))
    }
}

scalar!(ChangedFields);
