"""A pytest plugin: the vendor's suite starts TheHive in Docker; here it is the fake at HIVE_URL."""

import os

import tests.utils as utils


def at_the_fake(test_config):
    url = os.environ["HIVE_URL"]
    utils.init_hive_instance(url=url, test_config=test_config)
    return url


utils.spawn_hive_container = at_the_fake
