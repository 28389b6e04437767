#!/usr/bin/env python3
"""Stands in for nvdisasm: a loop whose registers go through local memory between two products, in a larger loop."""
print("""
	.section	.text.attend_kernel,"ax",@progbits
.text.attend_kernel:
        /*0000*/                   LDC R1, c[0x0][0x37c] ;
.L_x_1:
        /*0010*/                   STL [R1], R2 ;
.L_x_0:
        /*0020*/                   HGMMA.64x128x16.F32.BF16 R24, R4, gdesc[UR8], R24 ;
        /*0030*/              @!P0 LDL.LU R2, [R1] ;
        /*0040*/                   HGMMA.64x128x16.F32.BF16 R24, R4, gdesc[UR8], R24 ;
        /*0050*/                   STL [R1], R2 ;
        /*0054*/               @P3 BRA `(.L_x_2) ;
        /*0058*/                   LDL R3, [R1] ;
.L_x_2:
        /*0060*/               @P1 BRA `(.L_x_0) ;
        /*0070*/               @P2 BRA `(.L_x_1) ;
        /*0080*/                   EXIT ;""")
