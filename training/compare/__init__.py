"""The comparison of the CromSS paper: every pretraining variant, transferred to every downstream set."""
