from benchmarks.hardware import Hardware, this_machine


def test_this_machine_has_cores_and_memory() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory_gb > 0.1
    assert machine.cpu


def test_a_label_can_be_part_of_a_file_name() -> None:
    machine = Hardware("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", 4, 16.0, "Linux", "3.12.1", 0.0)
    assert machine.label == "4-core-intel-xeon-platinum-8481c"
    assert Hardware("AMD EPYC", 2, 16.0, "Linux", "3.12.1", 0.0).label == "2-core-amd-epyc"
