//! From the words of a scalar function to what engines see.

use arrow::datatypes::DataType;
use datafusion_common::Result;
use datafusion_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl};

/// A scalar function by its words; [`scalar!`] makes of it what engines see.
pub(crate) trait Scalar: ScalarUDFImpl {
    const NAME: &'static str;

    fn coerce(types: &[DataType]) -> Result<Vec<DataType>>;
    fn data_type() -> DataType;

    /// Refuses wrong literals, at planning.
    fn check(args: &ReturnFieldArgs) -> Result<()> {
        let _ = args;
        Ok(())
    }

    fn invoke(args: &ScalarFunctionArgs) -> Result<ColumnarValue>;
}

/// The trait that engines see, of a [`Scalar`].
macro_rules! scalar {
    ($function:ty) => {
        impl datafusion_expr::ScalarUDFImpl for $function {
            fn name(&self) -> &str {
                <Self as $crate::scalar::Scalar>::NAME
            }

            fn signature(&self) -> &datafusion_expr::Signature {
                $crate::args::signature()
            }

            fn coerce_types(
                &self,
                types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<Vec<arrow::datatypes::DataType>> {
                <Self as $crate::scalar::Scalar>::coerce(types)
            }

            fn return_type(
                &self,
                _types: &[arrow::datatypes::DataType],
            ) -> datafusion_common::Result<arrow::datatypes::DataType> {
                Ok(<Self as $crate::scalar::Scalar>::data_type())
            }

            fn return_field_from_args(
                &self,
                args: datafusion_expr::ReturnFieldArgs,
            ) -> datafusion_common::Result<arrow::datatypes::FieldRef> {
                <Self as $crate::scalar::Scalar>::check(&args)?;
                let data_type = <Self as $crate::scalar::Scalar>::data_type();
                Ok(std::sync::Arc::new(arrow::datatypes::Field::new(self.name(), data_type, true)))
            }

            fn invoke_with_args(
                &self,
                args: datafusion_expr::ScalarFunctionArgs,
            ) -> datafusion_common::Result<datafusion_expr::ColumnarValue> {
                <Self as $crate::scalar::Scalar>::invoke(&args)
            }

            fn documentation(&self) -> Option<&datafusion_expr::Documentation> {
                self.doc()
            }
        }
    };
}
pub(crate) use scalar;
