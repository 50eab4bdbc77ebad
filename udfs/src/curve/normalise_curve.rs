//! The shape of a curve, whatever its size.

use std::sync::Arc;

use arrow::array::{Array, StringArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int32Type};
use datafusion_common::{Result, ScalarValue, exec_datafusion_err, plan_datafusion_err};
use datafusion_expr::{ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion_macros::user_doc;

use super::points::{self, Curve};
use crate::args::{columns, exactly, refuse, signature, texts};
use crate::list::{ListWriter, Lists, coerce_to_curve, in_watts, list_of};

const NAME: &str = "normalise_curve";

/// A curve over its sum or its maximum, or in standard deviations from its
/// mean.
#[user_doc(
    doc_section(label = "Load curves"),
    description = r"The shape of a curve (LIST of DOUBLE). By 'sum': each point over the sum of all, so that they sum to 1. By 'max': each point over the maximum. By 'z': each point less the mean, in standard deviations (of the population). Null points stay null, and negative ones negative.

NULL for a NULL list, one of which no point is known, one whose sum ('sum') or maximum ('max') is not above 0 or that does not vary ('z'), and where `method` is NULL. Another method is an error, at planning where it is a literal.",
    syntax_example = "normalise_curve(curve, method)",
    sql_example = r"```sql
> select normalise_curve([100, null, 300], 'sum');
[0.25, NULL, 0.75]
```",
    argument(name = "curve", description = "LIST of INT, watts; other numbers as for `energy_wh`."),
    argument(name = "method", description = "TEXT: 'sum', 'max' or 'z'.")
)]
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct NormaliseCurve;

impl ScalarUDFImpl for NormaliseCurve {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        signature()
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [curve, method] = exactly(NAME, ["curve", "method"], types)?;
        if !method.is_string() && !method.is_null() {
            return refuse(NAME, "method", "a text", method);
        }
        Ok(vec![coerce_to_curve(NAME, "curve", curve)?, DataType::Utf8])
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(list_of(DataType::Float64))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        if let Some(Some(literal)) = args.scalar_arguments.get(1)
            && let ScalarValue::Utf8(Some(method)) = literal.cast_to(&DataType::Utf8)?
        {
            Method::named(&method).map_err(|refusal| plan_datafusion_err!("{refusal}"))?;
        }
        Ok(Arc::new(Field::new(NAME, list_of(DataType::Float64), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [curve, method] = columns(NAME, &args)?;
        let curve = in_watts(NAME, curve)?;
        let curves = Lists::<Int32Type>::try_new(NAME, curve.array())?;
        let methods: &StringArray = texts(NAME, method.array())?;
        let mut shapes = ListWriter::<Float64Type>::with_capacity(args.number_rows, 0);
        for row in 0..args.number_rows {
            let at = method.at(row);
            let named = methods.is_valid(at).then(|| methods.value(at));
            let scaled = match (curves.row(curve.at(row)), named) {
                (Some(curve), Some(method)) => {
                    let method = Method::named(method).map_err(|refusal| exec_datafusion_err!("{refusal}"))?;
                    method.origin_and_unit(curve).map(|scale| (curve, scale))
                }
                _ => None,
            };
            match scaled {
                Some((curve, (origin, unit))) => {
                    shapes.push(curve.iter().map(|w| w.map(|w| (f64::from(w) - origin) / unit)));
                }
                None => shapes.push_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(shapes.finish(NAME)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.doc()
    }
}

#[derive(Clone, Copy)]
enum Method {
    Sum,
    Max,
    Z,
}

impl Method {
    fn named(name: &str) -> Result<Self, String> {
        match name {
            "sum" => Ok(Self::Sum),
            "max" => Ok(Self::Max),
            "z" => Ok(Self::Z),
            _ => Err(format!("{NAME}: argument method takes 'sum', 'max' or 'z', not '{name}'")),
        }
    }

    /// What becomes 0, and how much becomes 1.
    fn origin_and_unit(self, curve: Curve<'_>) -> Option<(f64, f64)> {
        let (sum, known) = points::sum(curve, i64::from);
        let unit = match self {
            Self::Sum => sum as f64,
            Self::Max => f64::from(points::greatest(curve)?),
            Self::Z => {
                let mean = sum as f64 / known as f64;
                let squares: f64 = curve.known().map(|(_, w)| (f64::from(w) - mean) * (f64::from(w) - mean)).sum();
                let deviation = (squares / known as f64).sqrt();
                return (deviation > 0.0).then_some((mean, deviation));
            }
        };
        (known > 0 && unit > 0.0).then_some((0.0, unit))
    }
}
