//! A wide row as a list of names and values.

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Field};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs};
use datafusion_macros::user_doc;

use super::{Entries, as_texts, plain_struct, structs, texts};
use crate::args::exactly;
use crate::scalar::{Scalar, scalar};

const FIELDS: [&str; 2] = ["field", "value"];

/// The fields of a struct with their values.
#[user_doc(
    doc_section(label = "Records"),
    description = r"The fields of a struct that are known, in their order: LIST of STRUCT(field TEXT, value TEXT), values as texts; a field that is NULL is left out. Unnested it makes a long table of a wide one. The fields are no lists and no structs.

NULL for a NULL struct.",
    syntax_example = "named_fields(record)",
    sql_example = r"```sql
> select named_fields({tier: 2, is_new: true, price: null});
[{field: tier, value: 2}, {field: is_new, value: true}]
```",
    argument(name = "record", description = "STRUCT of plain values.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NamedFields;

impl Scalar for NamedFields {
    const NAME: &'static str = "named_fields";

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>> {
        let found = exactly(Self::NAME, ["record"], types)?;
        Ok(vec![plain_struct(Self::NAME, "record", &found[0], &DataType::Null)?])
    }

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new_list_field(DataType::Struct(texts(&FIELDS)), true)))
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let record = structs(Self::NAME, &args.args[0], args.number_rows)?;
        let mut entries = Entries::new();
        for (field, values) in record.fields().iter().zip(record.columns()) {
            let values = as_texts(values)?;
            let values = values.as_string::<i32>();
            for row in (0..values.len()).filter(|row| values.is_valid(*row) && record.is_valid(*row)) {
                entries.push(row as u32, [Some(field.name()), Some(values.value(row))]);
            }
        }
        Ok(ColumnarValue::Array(entries.lists(&FIELDS, args.number_rows, record.nulls().cloned())?))
    }
}

scalar!(NamedFields);
