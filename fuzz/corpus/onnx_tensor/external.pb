Bwj
locationweights/w.binj
offset4096j
length64j
checksum0p