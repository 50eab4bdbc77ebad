//! Functions of texts about customers, in Chinese and in English.

mod address_similarity;
mod classify_text;
mod name_similarity;
mod normal;
mod normalise_address;
mod normalise_name;
mod normalise_phone;
mod pseudonym;

use datafusion_expr::ScalarUDF;

pub(crate) fn scalars() -> Vec<ScalarUDF> {
    vec![
        address_similarity::AddressSimilarity.into(),
        classify_text::ClassifyText.into(),
        name_similarity::NameSimilarity.into(),
        normalise_address::NormaliseAddress.into(),
        normalise_name::NormaliseName.into(),
        normalise_phone::NormalisePhone.into(),
        pseudonym::Pseudonym.into(),
    ]
}
