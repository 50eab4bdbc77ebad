//! What functions give for a row or a group, and the columns that it makes.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion_common::{Result, exec_err};

use crate::list::{ListWriter, list_of};
use crate::round::RATIO;

/// A result of one row or one group.
pub(crate) trait Figure: Sized + Debug + Send + Sync + 'static {
    fn data_type() -> DataType;
    /// One for each row or group, `None` where it is unknown.
    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef>;
}

/// Figures that an array holds as they are.
macro_rules! plain {
    ($($of:ty, $data_type:ident, $array:ty);+) => {
        $(impl Figure for $of {
            fn data_type() -> DataType {
                DataType::$data_type
            }

            fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
                Ok(Arc::new(<$array>::from(figures)))
            }
        })+
    };
}

plain!(f64, Float64, Float64Array; i32, Int32, Int32Array; i64, Int64, Int64Array);

impl Figure for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        check_bytes(figures.iter().flatten().map(String::len).sum())?;
        Ok(Arc::new(StringArray::from(figures)))
    }
}

/// An array of texts counts its bytes in 32 bits.
pub(crate) fn check_bytes(bytes: usize) -> Result<()> {
    match i32::try_from(bytes) {
        Ok(_) => Ok(()),
        Err(_) => exec_err!("{bytes} bytes of text do not fit into one batch"),
    }
}

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Day(pub(crate) i32);

impl Figure for Day {
    fn data_type() -> DataType {
        DataType::Date32
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        Ok(Arc::new(figures.into_iter().map(|day| day.map(|Day(day)| day)).collect::<Date32Array>()))
    }
}

/// Millionths: see [`crate::round::ratio`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Millionths(pub(crate) i128);

impl Figure for Millionths {
    fn data_type() -> DataType {
        RATIO
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        let ratios: Decimal128Array = figures.into_iter().map(|ratio| ratio.map(|Millionths(ratio)| ratio)).collect();
        Ok(Arc::new(ratios.with_data_type(RATIO)))
    }
}

impl Figure for Vec<f64> {
    fn data_type() -> DataType {
        list_of(DataType::Float64)
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        let mut lists = ListWriter::<Float64Type>::with_capacity(figures.len(), 0);
        for list in &figures {
            match list {
                Some(list) => lists.push_dense(list),
                None => lists.push_null(),
            }
        }
        Ok(Arc::new(lists.finish("list")?))
    }
}

/// A part of a struct that may be unknown on its own.
impl<F: Figure> Figure for Option<F> {
    fn data_type() -> DataType {
        F::data_type()
    }

    fn column(figures: Vec<Option<Self>>) -> Result<ArrayRef> {
        F::column(figures.into_iter().map(Option::flatten).collect())
    }
}

/// A struct as figures of its fields, by their names. Where the whole is
/// unknown, so is each field.
macro_rules! figures {
    ($(#[$attribute:meta])* $scope:vis struct $name:ident { $($(#[$note:meta])* $field:ident: $of:ty),+ $(,)? }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone)]
        $scope struct $name { $($(#[$note])* pub(super) $field: $of),+ }

        impl $crate::figure::Figure for $name {
            fn data_type() -> arrow::datatypes::DataType {
                arrow::datatypes::DataType::Struct($name::fields())
            }

            fn column(figures: Vec<Option<Self>>) -> datafusion_common::Result<arrow::array::ArrayRef> {
                let columns = vec![$({
                    let field = figures.iter().map(|figure| figure.as_ref().map(|figure| figure.$field.clone()));
                    <$of as $crate::figure::Figure>::column(field.collect())?
                }),+];
                let array = arrow::array::StructArray::try_new($name::fields(), columns, None)?;
                Ok(std::sync::Arc::new(array))
            }
        }

        impl $name {
            fn fields() -> arrow::datatypes::Fields {
                [$((stringify!($field), <$of as $crate::figure::Figure>::data_type())),+]
                    .into_iter()
                    .map(|(name, data_type)| arrow::datatypes::Field::new(name, data_type, true))
                    .collect()
            }
        }
    };
}
pub(crate) use figures;
