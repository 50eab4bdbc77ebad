"""k-means alone, by scikit-learn, on the matrix that a segmentation of 40 features is made of.

    segments.py features       the file of the segmentation
    segments.py kmeans OUT     seconds of KMeans(n_clusters=7, n_init=1) on all accounts of OUT

The matrix is made ready before the clock starts: medians where a feature is not known, logarithms,
mean 0 and standard deviation 1.
"""

import json
import pathlib
import sys
import time

LOG = """energy_12m_kwh energy_1m_kwh energy_3m_kwh energy_month_max_kwh energy_month_median_kwh
energy_month_min_kwh amount_12m_cny day_energy_90d_kwh mean_load_90d_w base_load_w max_demand_w
peak_valley_difference_w day_ramp_w arrears_cny contacts_24m app_active_days_90d""".split()
LINEAR = """average_price_cny_kwh summer_energy_share winter_energy_share energy_cv_12m
max_mean_month_ratio energy_yoy summer_ratio winter_ratio load_factor night_share noon_share
evening_share morning_share daytime_share load_roughness tenure_years days_to_pay on_time_rate
payments_12m electronic_payment_share outages_12m work_orders_12m complaints_12m
service_intensity""".split()


def features():
    print('label = "Forty features"\nlabel_zh = "四十特征"\nmethod = "balanced_kmeans"')
    for transform, names in (("log", LOG), ("linear", LINEAR)):
        for name in names:
            print(f'\n[[feature]]\nsql = "{name}"\ntransform = "{transform}"\noptional = true')


def files(table):
    """Those that the newest version of a Delta table names."""
    live = set()
    for log in sorted((table / "_delta_log").glob("*.json")):
        for line in log.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                live.add(action["add"]["path"])
            if "remove" in action:
                live.discard(action["remove"]["path"])
    return [str(table / path) for path in sorted(live)]


def kmeans(out):
    import numpy
    import pyarrow.parquet
    import sklearn
    from sklearn.cluster import KMeans

    columns = LOG + LINEAR
    read = [pyarrow.parquet.read_table(file, columns=columns) for file in files(pathlib.Path(out) / "marts/customer_tags")]
    rows = pyarrow.concat_tables(read)
    matrix = numpy.empty((rows.num_rows, len(columns)))
    for at, name in enumerate(columns):
        values = rows[name].cast("double").to_numpy(zero_copy_only=False)
        known = values[~numpy.isnan(values)]
        values = numpy.where(numpy.isnan(values), numpy.median(known) if len(known) else 0.0, values)
        if name in LOG:
            values = numpy.sign(values) * numpy.log1p(numpy.abs(values))
        spread = values.std()
        matrix[:, at] = (values - values.mean()) / (spread if spread > 0 else 1.0)
    start = time.perf_counter()
    model = KMeans(n_clusters=7, n_init=1, random_state=1).fit(matrix)
    seconds = time.perf_counter() - start
    sizes = sorted(numpy.bincount(model.labels_) / len(matrix), reverse=True)
    print(f" scikit-learn {sklearn.__version__}, KMeans(n_clusters=7, n_init=1) alone, {matrix.shape[0]:,} x {matrix.shape[1]}:")
    print(f" {seconds:.2f} s, {model.n_iter_} steps, groups of {sizes[0]:.1%} to {sizes[-1]:.1%}")


if __name__ == "__main__":
    {"features": features, "kmeans": kmeans}[sys.argv[1]](*sys.argv[2:])
