"""From the records of a family and benign ones to the conditions of rules."""
