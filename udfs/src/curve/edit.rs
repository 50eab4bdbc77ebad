//! Curves of which some points are changed: a list of watts and perhaps some whole
//! numbers give a list of the same length. Few curves are touched, so what is not
//! stays where it is.

use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanBufferBuilder, ListArray, PrimitiveArray};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type};
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

use super::measure::{MOST, Parameter, Parameters};
use super::points::Curve;
use crate::args::Column;
use crate::list::{Lists, in_watts, list_of};
use crate::simd::{Work, widest};

/// A change of some points of a curve.
pub(super) trait Edit: ScalarUDFImpl + Sized {
    const NAME: &'static str;
    const PARAMETERS: &'static [Parameter] = &[];

    fn data_type() -> DataType {
        list_of(DataType::Int32)
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        invoke::<Self>(args)
    }

    /// Whether the curve stays as it is, where that is seen quickly. False is
    /// always right.
    fn keeps(curve: Curve<'_>, parameters: [i64; MOST]) -> bool;

    /// Changes points of a curve.
    fn edit(points: &mut [Option<i32>], parameters: [i64; MOST]);
}

fn invoke<E: Edit>(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let rows = args.number_rows;
    let curve = in_watts(E::NAME, Column::of(&args.args[0].to_array(rows)?))?;
    let list = curve.array().as_list::<i32>();
    let curves = Lists::<Int32Type>::try_new(E::NAME, list)?;
    let parameters = Parameters::try_new(E::NAME, E::PARAMETERS, &args.args[1..], rows)?;
    let seen = widest(Look::<E> { curves: &curves, parameters: &parameters, rows, edit: PhantomData })?;
    let mut edited = Edited::new(list);
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for row in seen.doubtful {
        if let (Some(curve), Some(parameters)) = (curves.row(row), parameters.at(row)?) {
            before.clear();
            before.extend(curve.iter());
            after.clone_from(&before);
            E::edit(&mut after, parameters);
            if before != after {
                edited.put(row, &after);
            }
        }
    }
    Ok(ColumnarValue::Array(Arc::new(edited.finish(seen.known)?)))
}

/// What a first look at a batch tells.
struct Seen {
    /// Rows that may change.
    doubtful: Vec<usize>,
    /// Which rows are not NULL, where some are for a parameter.
    known: Option<NullBuffer>,
}

/// Looks at all curves of a batch.
struct Look<'a, E> {
    curves: &'a Lists<'a, Int32Type>,
    parameters: &'a Parameters,
    rows: usize,
    edit: PhantomData<E>,
}

impl<E: Edit> Work for Look<'_, E> {
    type Output = Result<Seen>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let (mut doubtful, mut unknown) = (Vec::new(), Vec::new());
        for row in 0..self.rows {
            let Some(curve) = self.curves.row(row) else { continue };
            match self.parameters.at(row)? {
                Some(parameters) if E::keeps(curve, parameters) => {}
                Some(_) => doubtful.push(row),
                None => unknown.push(row),
            }
        }
        let known = (!unknown.is_empty()).then(|| {
            let mut known = vec![true; self.rows];
            unknown.into_iter().for_each(|row| known[row] = false);
            NullBuffer::from(known)
        });
        Ok(Seen { doubtful, known })
    }
}

/// A list column, copied when the first of its points is changed.
struct Edited<'a> {
    list: &'a ListArray,
    changed: Option<(Vec<i32>, BooleanBufferBuilder)>,
}

impl<'a> Edited<'a> {
    fn new(list: &'a ListArray) -> Self {
        Self { list, changed: None }
    }

    fn put(&mut self, row: usize, points: &[Option<i32>]) {
        let (values, known) = self.changed.get_or_insert_with(|| {
            let values = self.list.values().as_primitive::<Int32Type>();
            let mut known = BooleanBufferBuilder::new(values.len());
            match values.nulls() {
                Some(nulls) => known.append_buffer(nulls.inner()),
                None => known.append_n(values.len(), true),
            }
            (values.values().to_vec(), known)
        });
        // Offsets of a list array ascend from 0.
        let start = self.list.value_offsets()[row] as usize;
        for (at, point) in (start..).zip(points) {
            values[at] = point.unwrap_or_default();
            known.set_bit(at, point.is_some());
        }
    }

    fn finish(self, known: Option<NullBuffer>) -> Result<ListArray> {
        let values = match self.changed {
            Some((values, known)) => {
                let known: BooleanBuffer = known.build();
                Arc::new(PrimitiveArray::<Int32Type>::try_new(ScalarBuffer::from(values), Some(known.into()))?)
            }
            None => Arc::clone(self.list.values()),
        };
        let nulls = NullBuffer::union(self.list.nulls(), known.as_ref());
        let field = Arc::new(Field::new_list_field(DataType::Int32, true));
        Ok(ListArray::try_new(field, self.list.offsets().clone(), values, nulls)?)
    }
}

/// The trait that engines see, of an [`Edit`].
macro_rules! edit {
    ($function:ty) => {
        $crate::curve::measure::measure!($function, $crate::curve::edit::Edit);
    };
}
pub(super) use edit;
