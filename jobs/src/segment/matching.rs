//! Which group is which of another grouping.

/// For each row the column that makes the sum over all rows largest, each column at
/// most once; `None` for rows beyond the columns. Source: H. W. Kuhn, The Hungarian
/// method for the assignment problem (1955), in the form with potentials.
pub fn assign(gains: &[Vec<f64>]) -> Vec<Option<usize>> {
    let rows = gains.len();
    let columns = gains.iter().map(Vec::len).max().unwrap_or(0);
    let size = rows.max(columns);
    let cost = |row: usize, column: usize| -gains.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0.0);
    // From 1 on: place 0 stands for "none yet".
    let (mut row_potential, mut column_potential) = (vec![0.0; size + 1], vec![0.0; size + 1]);
    let mut row_of = vec![0usize; size + 1];
    for row in 1..=size {
        row_of[0] = row;
        let mut column = 0;
        let (mut least, mut before) = (vec![f64::INFINITY; size + 1], vec![0usize; size + 1]);
        let mut is_used = vec![false; size + 1];
        while row_of[column] != 0 {
            is_used[column] = true;
            let (own, mut step, mut next) = (row_of[column], f64::INFINITY, 0);
            for other in (1..=size).filter(|other| !is_used[*other]) {
                let reduced = cost(own - 1, other - 1) - row_potential[own] - column_potential[other];
                if reduced < least[other] {
                    least[other] = reduced;
                    before[other] = column;
                }
                if least[other] < step {
                    step = least[other];
                    next = other;
                }
            }
            for other in 0..=size {
                if is_used[other] {
                    row_potential[row_of[other]] += step;
                    column_potential[other] -= step;
                } else {
                    least[other] -= step;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    let mut found = vec![None; rows];
    for (column, row) in row_of.iter().enumerate().skip(1) {
        if *row <= rows && column <= columns {
            found[row - 1] = Some(column - 1);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best(gains: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == gains.len() {
            return 0.0;
        }
        // A row may stay alone.
        let mut found = best(gains, row + 1, taken);
        for column in 0..gains[row].len() {
            if !taken.contains(&column) {
                taken.push(column);
                found = found.max(gains[row][column] + best(gains, row + 1, taken));
                taken.pop();
            }
        }
        found
    }

    proptest! {
        #[test]
        fn no_other_assignment_gains_more(
            (rows, columns) in (1usize..5, 1usize..5),
            cells in proptest::collection::vec(0u8..20, 16),
        ) {
            let gains: Vec<Vec<f64>> =
                (0..rows).map(|row| (0..columns).map(|column| f64::from(cells[row * 4 + column])).collect()).collect();
            let found = assign(&gains);
            let mut columns_found: Vec<usize> = found.iter().flatten().copied().collect();
            columns_found.sort_unstable();
            columns_found.dedup();
            prop_assert_eq!(columns_found.len(), found.iter().flatten().count());
            prop_assert_eq!(columns_found.len(), rows.min(columns));
            let gained: f64 = found.iter().enumerate().filter_map(|(row, column)| Some(gains[row][(*column)?])).sum();
            prop_assert_eq!(gained, best(&gains, 0, &mut Vec::new()));
        }
    }
}
